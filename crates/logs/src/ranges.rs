//! The parts of a log file that some attempts wrote, read as one text.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::Path,
};

use updraft_model::AttemptId;

use crate::Segment;

/// Parts of a file, one after the other. The last may go on to the file's end, wherever that is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ranges(Vec<(u64, Option<u64>)>);

impl Ranges {
    /// What these attempts wrote; `None` if they began no segment.
    pub fn of(segments: &[Segment], is_one: impl Fn(&AttemptId) -> bool) -> Option<Self> {
        let mut ranges: Vec<(u64, Option<u64>)> = Vec::new();
        for (at, segment) in segments.iter().enumerate().filter(|(_, segment)| is_one(&segment.attempt)) {
            let end = segments.get(at + 1).map(|next| next.from);
            match ranges.last_mut() {
                Some(last) if last.1 == Some(segment.from) => last.1 = end,
                _ => ranges.push((segment.from, end)),
            }
        }
        (!ranges.is_empty()).then_some(Self(ranges))
    }

    /// At most `limit` bytes from `from` on, counted over the parts; fewer only where they end. A
    /// file that is not there is empty.
    pub fn read(&self, log: &Path, from: u64, limit: usize) -> io::Result<Vec<u8>> {
        let mut file = match File::open(log) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let (mut bytes, mut skip) = (Vec::new(), from);
        for &(start, end) in &self.0 {
            let length = end.map_or(u64::MAX, |end| end.saturating_sub(start));
            if skip >= length {
                skip -= length;
                continue;
            }
            file.seek(SeekFrom::Start(start.saturating_add(skip)))?;
            let room = (limit - bytes.len()) as u64;
            file.by_ref().take(room.min(length - skip)).read_to_end(&mut bytes)?;
            skip = 0;
            if bytes.len() == limit {
                break;
            }
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use updraft_model::Timestamp;
    use uuid::Uuid;

    use super::*;

    fn segments(all: &[(u128, u64)]) -> Vec<Segment> {
        let segment = |&(id, from): &(u128, u64)| Segment {
            attempt: AttemptId(Uuid::from_u128(id)),
            node: "n".parse().unwrap(),
            from,
            at: Timestamp::EPOCH,
            rendered_fields: Default::default(),
        };
        all.iter().map(segment).collect()
    }

    fn of(all: &[(u128, u64)], ids: &[u128]) -> Option<Ranges> {
        Ranges::of(&segments(all), |attempt| ids.contains(&attempt.0.as_u128()))
    }

    #[test]
    fn neighbours_are_one_part_and_others_are_left_out() {
        let all = [(1, 0), (2, 4), (3, 6), (1, 9)];
        assert_eq!(of(&all, &[2, 3]), Some(Ranges(vec![(4, Some(9))])));
        assert_eq!(of(&all, &[1]), Some(Ranges(vec![(0, Some(4)), (9, None)])));
        assert_eq!(of(&all, &[4]), None);
    }

    #[test]
    fn parts_read_as_one_text_from_any_place() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        std::fs::write(&log, "aaaabbcccaa+").unwrap();
        let all = [(1, 0), (2, 4), (3, 6), (1, 9)];
        for from in 0..=9 {
            for limit in 1..=9 {
                let text = of(&all, &[1]).unwrap().read(&log, from, limit).unwrap();
                let expected: String = "aaaaaa+".chars().skip(from as usize).take(limit).collect();
                assert_eq!(String::from_utf8(text).unwrap(), expected, "{from} {limit}");
            }
        }
        assert_eq!(of(&all, &[3]).unwrap().read(&log, 1, 9).unwrap(), b"cc");
        assert_eq!(of(&all, &[3]).unwrap().read(&dir.path().join("none"), 1, 9).unwrap(), b"");
    }
}
