//! Where the two databases need different words.

/// Which SQL is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// The time, on the database's clock; not that of the transaction's start.
    pub fn now(self) -> &'static str {
        match self {
            Self::Sqlite => "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
            Self::Postgres => "clock_timestamp()",
        }
    }

    /// A join that is carried out from left to right. PostgreSQL knows from its statistics when to do so.
    pub fn join_in_order(self) -> &'static str {
        match self {
            Self::Sqlite => "CROSS JOIN",
            Self::Postgres => "JOIN",
        }
    }

    /// The microseconds from one time to another.
    pub fn micros_between(self, start: &str, end: &str) -> String {
        match self {
            Self::Sqlite => format!("({end} - {start})"),
            Self::Postgres => format!("CAST(round(extract(epoch FROM {end} - {start}) * 1000000) AS bigint)"),
        }
    }

    /// `column` is one of the list in `placeholder`.
    pub fn one_of(self, column: &str, placeholder: &str) -> String {
        match self {
            Self::Sqlite => format!("{column} IN (SELECT value FROM json_each({placeholder}))"),
            Self::Postgres => format!("{column} = ANY({placeholder})"),
        }
    }

    /// The text `column` contains the pattern in `placeholder` (lower case, with `%` around it):
    /// letters of ASCII in any case, and no character escapes another.
    pub fn like(self, column: &str, placeholder: &str) -> String {
        match self {
            Self::Sqlite => format!("{column} LIKE {placeholder}"),
            // Under the collation "C", `lower` changes ASCII letters only, as SQLite's LIKE does.
            Self::Postgres => format!("lower({column} COLLATE \"C\") LIKE {placeholder} ESCAPE ''"),
        }
    }

    /// A text column as it is compared byte by byte. Keys are anyway.
    pub fn by_bytes(self, column: &str) -> String {
        match self {
            Self::Sqlite => column.to_owned(),
            Self::Postgres => format!("{column} COLLATE \"C\""),
        }
    }

    /// The list of texts in `placeholder`, as a table `alias` with the column `value`.
    pub fn list(self, placeholder: &str, alias: &str) -> String {
        match self {
            Self::Sqlite => format!("json_each({placeholder}) AS {alias}"),
            Self::Postgres => format!("unnest({placeholder}) AS {alias}(value)"),
        }
    }

    /// The elements of a JSON list in a text column, as a table `alias` with the column `value`.
    pub fn elements(self, column: &str, alias: &str) -> String {
        match self {
            Self::Sqlite => format!("json_each({column}) AS {alias}"),
            Self::Postgres => format!("json_array_elements_text({column}::json) AS {alias}(value)"),
        }
    }
}
