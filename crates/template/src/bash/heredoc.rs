//! Here-documents: `<<EOF`, `<<-EOF`, `<<'EOF'`, several per line.

use super::{lexer::Lexer, place::Fault};

/// A here-document whose body starts after the next newline.
#[derive(Debug)]
pub(super) struct Heredoc {
    delimiter: String,
    /// `<<-`: tabs before the delimiter don't count.
    strip_tabs: bool,
    /// Nothing is expanded in its body.
    quoted: bool,
    /// An inner shell reads its body as a script.
    code: bool,
}

impl Lexer<'_> {
    /// The rest of `<<` or `<<-`: the delimiter, a word in which only quotes count.
    pub fn heredoc_start(&mut self, code: bool) {
        let strip_tabs = self.eat("-");
        while matches!(self.peek(), Some(' ' | '\t')) {
            self.bump();
        }
        let (mut delimiter, mut quoted) = (String::new(), false);
        while let Some(c) = self.peek() {
            if self.take_placeholder(Err(Fault::HeredocDelimiter)) {
                continue;
            }
            match c {
                ' ' | '\t' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')' => break,
                '\'' | '"' => {
                    quoted = true;
                    self.bump();
                    while let Some(inner) = self.peek().filter(|inner| *inner != c) {
                        if !self.take_placeholder(Err(Fault::HeredocDelimiter)) {
                            delimiter.push(inner);
                            self.bump();
                        }
                    }
                    self.bump();
                }
                '\\' => {
                    quoted = true;
                    self.bump();
                    delimiter.extend(self.bump());
                }
                _ => {
                    delimiter.push(c);
                    self.bump();
                }
            }
        }
        self.heredocs.push(Heredoc { delimiter, strip_tabs, quoted, code });
    }

    /// The bodies of all announced here-documents; the lexer stands behind a newline.
    pub fn heredoc_bodies(&mut self) {
        for heredoc in std::mem::take(&mut self.heredocs) {
            let first_place = self.places.len();
            let (body_end, after) = self.find_delimiter(&heredoc);
            let outer_end = std::mem::replace(&mut self.end, body_end);
            while self.pos < self.end {
                if heredoc.quoted {
                    if !self.take_placeholder(Err(Fault::QuotedHeredoc)) {
                        self.bump();
                    }
                } else {
                    self.nested(Self::quoted_item);
                }
            }
            if heredoc.code {
                self.forbid(first_place, Fault::InnerShell);
            }
            self.end = outer_end;
            self.pos = after;
        }
    }

    /// Where the body ends and where the text goes on after the delimiter's line.
    fn find_delimiter(&self, heredoc: &Heredoc) -> (usize, usize) {
        let mut start = self.pos;
        for line in self.rest().split_inclusive('\n') {
            let content = line.strip_suffix('\n').unwrap_or(line);
            let content = if heredoc.strip_tabs { content.trim_start_matches('\t') } else { content };
            if content == heredoc.delimiter {
                return (start, start + line.len());
            }
            start += line.len();
        }
        (self.end, self.end)
    }
}
