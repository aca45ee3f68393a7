//! Colours for terminals: few, and always the same for the same thing.

/// Paints, or leaves as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint {
    colours: bool,
}

const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const BLUE: &str = "34";
const MAGENTA: &str = "35";
const CYAN: &str = "36";
const DIM: &str = "2";
const BOLD: &str = "1";

impl Paint {
    /// With colours or without.
    pub fn new(colours: bool) -> Self {
        Self { colours }
    }

    /// Whether it paints.
    pub fn has_colours(self) -> bool {
        self.colours
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.colours && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Went well.
    pub fn good(self, text: &str) -> String {
        self.with(GREEN, text)
    }

    /// Worth a look.
    pub fn warning(self, text: &str) -> String {
        self.with(YELLOW, text)
    }

    /// Went wrong.
    pub fn bad(self, text: &str) -> String {
        self.with(RED, text)
    }

    /// Less important.
    pub fn dim(self, text: &str) -> String {
        self.with(DIM, text)
    }

    /// More important.
    pub fn strong(self, text: &str) -> String {
        self.with(BOLD, text)
    }

    /// The state of a run or a task instance, wherever it may be padded with spaces.
    pub fn state(self, text: &str) -> String {
        let code = match text.trim() {
            "success" => GREEN,
            "failed" | "upstream_failed" => RED,
            "running" | "restarting" => CYAN,
            "up_for_retry" | "up_for_reschedule" => YELLOW,
            "queued" | "scheduled" => BLUE,
            "skipped" | "removed" => DIM,
            "deferred" | "awaiting_input" => MAGENTA,
            _ => return text.to_owned(),
        };
        self.with(code, text)
    }

    /// A label that recurs, such as the task of a log line: always the same colour for the same name.
    pub fn label(self, name: &str, text: &str) -> String {
        const COLOURS: [&str; 6] = [CYAN, MAGENTA, BLUE, YELLOW, GREEN, "96"];
        let sum = name.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
        self.with(COLOURS[sum % COLOURS.len()], text)
    }
}
