//! The `@` names.

/// What an `@` name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// `@once`.
    Once,
    /// `@continuous`.
    Continuous,
    /// A name for this cron expression.
    Cron(&'static str),
}

/// Every name, for messages and suggestions.
const NAMES: [(&str, Preset); 10] = [
    ("@once", Preset::Once),
    ("@continuous", Preset::Continuous),
    ("@hourly", Preset::Cron("0 * * * *")),
    ("@daily", Preset::Cron("0 0 * * *")),
    ("@midnight", Preset::Cron("0 0 * * *")),
    ("@weekly", Preset::Cron("0 0 * * 0")),
    ("@monthly", Preset::Cron("0 0 1 * *")),
    ("@quarterly", Preset::Cron("0 0 1 */3 *")),
    ("@yearly", Preset::Cron("0 0 1 1 *")),
    ("@annually", Preset::Cron("0 0 1 1 *")),
];

/// Reads an `@` name in any case: Airflow's `cron_presets`, croniter's aliases, `@once` and
/// `@continuous`. `None` if `text` is none of them.
pub fn parse_preset(text: &str) -> Option<Preset> {
    NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text.trim())).map(|(_, preset)| *preset)
}

impl Preset {
    /// All names that [`parse_preset`] knows, lower case.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_airflows() {
        assert_eq!(parse_preset("@Quarterly"), Some(Preset::Cron("0 0 1 */3 *")));
        assert_eq!(parse_preset("@once"), Some(Preset::Once));
        assert_eq!(parse_preset("@never"), None);
        assert_eq!(parse_preset("0 0 * * *"), None);
    }
}
