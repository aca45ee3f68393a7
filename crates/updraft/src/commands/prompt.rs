//! Questions to the person at the terminal.

use std::io::{self, IsTerminal as _, Write as _};

use anyhow::bail;

use crate::output::note;

/// Asks a question to be answered with yes or no. Without a terminal it is an error: whoever writes a
/// script says `--yes`.
pub fn confirm(question: &str) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        bail!("{question} Nobody can be asked here\n  hint: say --yes");
    }
    let answer = ask(&format!("{question} [y/N] "))?;
    Ok(matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// Asks for a line of text.
fn ask(question: &str) -> io::Result<String> {
    let mut stderr = io::stderr().lock();
    write!(stderr, "{question}")?;
    stderr.flush()?;
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

/// A password: the first line of standard input, which is not shown if it is typed.
pub fn password(question: &str) -> anyhow::Result<String> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        let mut line = String::new();
        stdin.read_line(&mut line)?;
        return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    let hidden = Hidden::begin(&stdin)?;
    let answer = ask(question);
    drop(hidden);
    note("");
    Ok(answer?)
}

/// While it lives, the terminal does not show what is typed.
struct Hidden<'a> {
    stdin: &'a io::Stdin,
    before: nix::sys::termios::Termios,
}

impl<'a> Hidden<'a> {
    fn begin(stdin: &'a io::Stdin) -> anyhow::Result<Self> {
        use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
        let before = tcgetattr(stdin)?;
        let mut silent = before.clone();
        silent.local_flags.remove(LocalFlags::ECHO);
        tcsetattr(stdin, SetArg::TCSANOW, &silent)?;
        Ok(Self { stdin, before })
    }
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        // A terminal that has gone away needs no echo.
        let _ = nix::sys::termios::tcsetattr(self.stdin, nix::sys::termios::SetArg::TCSANOW, &self.before);
    }
}
