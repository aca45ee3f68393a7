//! Dates and durations as templates know them: pendulum's `DateTime`, Python's `timedelta`.
//!
//! Nothing here reads a clock: "now" is the attempt's moment and comes with the context.

mod delta;
mod difference;
mod moment;
mod pendulum_format;
mod python_format;

pub(crate) use delta::{Amounts, Delta};
pub(crate) use difference::{from_now, relative};
pub(crate) use moment::Moment;
pub(crate) use python_format::{strftime, strptime};

use minijinja::{Error, ErrorKind};

/// An error of a date operation, as the template engine reports it.
pub(crate) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}
