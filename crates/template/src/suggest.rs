//! "Did you mean": the closest of some names.

/// The name closest to `name`, if it is close enough to be a slip of the fingers.
pub(crate) fn closest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (name.chars().count() / 3).clamp(1, 3);
    names
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `did you mean "ds"?`, or what there is if nothing is close.
pub(crate) fn did_you_mean<'a>(name: &str, names: impl IntoIterator<Item = &'a str> + Clone) -> Option<String> {
    if let Some(close) = closest(name, names.clone()) {
        return Some(format!("did you mean \"{close}\"?"));
    }
    let all: Vec<&str> = names.into_iter().collect();
    (!all.is_empty()).then(|| format!("there are: {}", all.join(", ")))
}
