//! Where the state lives.

use std::{
    fmt,
    path::{Path, PathBuf},
};

/// A database, by its URL.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// One file, for one daemon.
    Sqlite(PathBuf),
    /// A PostgreSQL server; the text may hold a password.
    Postgres(String),
}

impl DatabaseUrl {
    /// Reads a URL; a relative path of a SQLite file is relative to `folder`. The error says what
    /// is allowed.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            // sqlite:///absolute, sqlite://relative and sqlite:relative are all in use.
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() || path == ":memory:" {
                return Err("name a file: sqlite:///var/lib/updraft/updraft.db".to_owned());
            }
            return Ok(Self::Sqlite(folder.join(path)));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        Err("it must begin with sqlite:// or postgres://".to_owned())
    }

    /// Whether it is a SQLite file.
    pub fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }
}

/// Without the password: this is what logs and `config show` print.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Self::Postgres(url) => f.write_str(&without_password(url)),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The URL with `***` where its password was, also in a `password=` parameter.
pub fn without_password(url: &str) -> String {
    let (base, query) = url.split_once('?').map_or((url, None), |(base, query)| (base, Some(query)));
    let mut text = match base.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?))) {
        Some((scheme, (user, host))) => match user.split_once(':') {
            Some((name, _)) => format!("{scheme}://{name}:***@{host}"),
            None => base.to_owned(),
        },
        None => base.to_owned(),
    };
    if let Some(query) = query {
        let hide = |pair: &str| if pair.starts_with("password=") { "password=***".to_owned() } else { pair.to_owned() };
        text.push('?');
        text.push_str(&query.split('&').map(hide).collect::<Vec<_>>().join("&"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_and_passwords_never_shown() {
        let read = |text: &str| DatabaseUrl::parse(text, Path::new("/home")).map(|url| url.to_string());
        assert_eq!(read("sqlite:///var/u.db").unwrap(), "sqlite:///var/u.db");
        assert_eq!(read("sqlite://u.db").unwrap(), "sqlite:///home/u.db");
        assert_eq!(read("sqlite:u.db").unwrap(), "sqlite:///home/u.db");
        assert_eq!(read("postgres://up:p@ss@db:5432/updraft").unwrap(), "postgres://up:***@db:5432/updraft");
        assert_eq!(read("postgresql://db/updraft?user=a&password=b").unwrap(), "postgresql://db/updraft?user=a&password=***");
        assert_eq!(read("postgres://up@db/updraft").unwrap(), "postgres://up@db/updraft");
        assert!(read("mysql://db/updraft").is_err());
        assert!(read("sqlite://").is_err());
    }
}
