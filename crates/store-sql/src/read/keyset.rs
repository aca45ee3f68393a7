//! The rows beyond a place in an order: what stands in WHERE and ORDER BY, so that an index can be
//! entered at the place. A row without a value of a name comes after all that have one.

use updraft_store::{Mark, MarkKind, Orders, Place};

use crate::{Cell, Row, cell::Unreadable, query::Conditions};

/// One of the things a list is sorted by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sorted<'a> {
    /// Its name; a part of the key has none.
    pub(super) name: Option<String>,
    /// What it is in SQL.
    pub(super) expression: &'a str,
    /// Whether the greatest comes first.
    pub(super) down: bool,
    /// Whether a row may be without.
    pub(super) nullable: bool,
}

/// An order, and the direction in which a list that has it is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way<'a> {
    sorted: &'a [Sorted<'a>],
    backward: bool,
}

/// Some of the rows, and their order.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) conditions: Conditions,
    pub(super) order: String,
}

impl<'a> Way<'a> {
    pub(super) fn new(sorted: &'a [Sorted<'a>], backward: bool) -> Self {
        Self { sorted, backward }
    }

    /// What is behind ORDER BY.
    pub(super) fn order(&self) -> String {
        self.order_of(self.sorted)
    }

    fn order_of(&self, sorted: &[Sorted<'_>]) -> String {
        let nulls = if self.backward { " NULLS FIRST" } else { " NULLS LAST" };
        let one = |s: &Sorted<'_>| format!("{} {}{}", s.expression, self.direction(s), if s.nullable { nulls } else { "" });
        sorted.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    fn direction(&self, sorted: &Sorted<'_>) -> &'static str {
        if sorted.down == self.backward { "ASC" } else { "DESC" }
    }

    /// The columns that make up a row's place.
    pub(super) fn columns(&self) -> String {
        self.sorted.iter().map(|sorted| sorted.expression).collect::<Vec<_>>().join(", ")
    }

    /// A row's place, from [`Way::columns`].
    pub(super) fn place(&self, row: &mut Row, orders: &Orders) -> Result<Place, Unreadable> {
        let names = self.sorted.iter().filter_map(|sorted| orders.named(sorted.name.as_ref()?));
        let mark = |kind: MarkKind| {
            Ok(match kind {
                MarkKind::Int => row.opt_int()?.map(Mark::Int),
                MarkKind::Text => row.opt_text()?.map(Mark::Text),
                MarkKind::Time => row.opt_time()?.map(Mark::Time),
                MarkKind::Uuid => row.opt_uuid()?.map(Mark::Uuid),
            }
            .unwrap_or(Mark::Null))
        };
        Ok(Place(names.chain(orders.key).map(|order| order.kind).map(mark).collect::<Result<_, _>>()?))
    }

    /// The rows beyond `place` (all, if there is none), one part after the other. Those with a value
    /// of the first name and those without are two parts: in each of them an index gives the order,
    /// whichever end it keeps its NULLs at.
    pub(super) fn parts(&self, place: Option<&Place>, conditions: &Conditions) -> Vec<Part> {
        let marks = place.map(|Place(marks)| marks.as_slice());
        let Some((first, rest)) = self.sorted.split_first() else { return Vec::new() };
        if !first.nullable {
            let mut conditions = conditions.clone();
            if let Some(marks) = marks {
                let beyond = self.beyond(self.sorted, marks, &mut conditions);
                conditions.plain(beyond);
            }
            return vec![Part { conditions, order: self.order() }];
        }
        let with_value = |conditions: Conditions| {
            let order = format!("{} {}, {}", first.expression, self.nulls_as_indexed(first), self.order_of(rest));
            Part { conditions, order }
        };
        let without = |conditions: Conditions| Part { conditions, order: self.order_of(rest) };
        let and = |condition: String| {
            let mut conditions = conditions.clone();
            conditions.plain(condition);
            conditions
        };
        let (some, none) = (format!("{} IS NOT NULL", first.expression), format!("{} IS NULL", first.expression));
        match marks.and_then(|marks| marks.split_first()) {
            None if self.backward => vec![without(and(none)), with_value(and(some))],
            None => vec![with_value(and(some)), without(and(none))],
            Some((Mark::Null, marks)) => {
                let mut here = and(none);
                let beyond = self.beyond(rest, marks, &mut here);
                here.plain(beyond);
                let mut parts = vec![without(here)];
                parts.extend(self.backward.then(|| with_value(and(some))));
                parts
            }
            Some((mark, marks)) => {
                let mut here = conditions.clone();
                let beyond = self.beyond_value(first, mark, rest, marks, &mut here);
                here.plain(beyond);
                let mut parts = vec![with_value(here)];
                parts.extend((!self.backward).then(|| without(and(none))));
                parts
            }
        }
    }

    /// Where no row is without a value the place of the NULLs means nothing; this is the one of an
    /// index `.. DESC NULLS LAST`, read from either end, in both databases.
    fn nulls_as_indexed(&self, sorted: &Sorted<'_>) -> &'static str {
        if self.direction(sorted) == "ASC" { "ASC NULLS FIRST" } else { "DESC NULLS LAST" }
    }

    /// The condition that a row is beyond `marks` by `sorted`.
    fn beyond(&self, sorted: &[Sorted<'_>], marks: &[Mark], conditions: &mut Conditions) -> String {
        let (Some((first, rest)), Some((mark, marks_of_rest))) = (sorted.split_first(), marks.split_first()) else {
            return "1 = 0".to_owned();
        };
        if sorted.len() > 1 && sorted.iter().all(|s| !s.nullable && s.down == first.down) {
            let placeholders: Vec<String> = marks.iter().map(|mark| conditions.placeholder(cell(mark))).collect();
            let names = sorted.iter().map(|s| s.expression).collect::<Vec<_>>().join(", ");
            let (expression, comparison) = (first.expression, self.comparison(first));
            // The first by itself too: where the names are of two tables, PostgreSQL has no index for all of them.
            return format!("({expression} {comparison}= {} AND ({names}) {comparison} ({}))", placeholders[0], placeholders.join(", "));
        }
        if *mark == Mark::Null {
            let rest = self.beyond(rest, marks_of_rest, conditions);
            let expression = first.expression;
            return if self.backward {
                format!("({expression} IS NOT NULL OR {rest})")
            } else {
                format!("({expression} IS NULL AND {rest})")
            };
        }
        let beyond = self.beyond_value(first, mark, rest, marks_of_rest, conditions);
        if first.nullable && !self.backward { format!("({} IS NULL OR {beyond})", first.expression) } else { beyond }
    }

    /// The same for rows with a value of the first name, so that an index on it can be entered there.
    fn beyond_value(
        &self,
        first: &Sorted<'_>,
        mark: &Mark,
        rest: &[Sorted<'_>],
        marks_of_rest: &[Mark],
        conditions: &mut Conditions,
    ) -> String {
        let (expression, comparison) = (first.expression, self.comparison(first));
        let placeholder = conditions.placeholder(cell(mark));
        if rest.is_empty() {
            return format!("{expression} {comparison} {placeholder}");
        }
        let rest = self.beyond(rest, marks_of_rest, conditions);
        format!("({expression} {comparison}= {placeholder} AND ({expression} {comparison} {placeholder} OR {rest}))")
    }

    fn comparison(&self, sorted: &Sorted<'_>) -> &'static str {
        if self.direction(sorted) == "ASC" { ">" } else { "<" }
    }
}

fn cell(mark: &Mark) -> Cell {
    match mark {
        Mark::Null => Cell::Text(None),
        Mark::Int(value) => Cell::Int(Some(*value)),
        Mark::Text(value) => Cell::Text(Some(value.clone())),
        Mark::Time(value) => Cell::Time(Some(*value)),
        Mark::Uuid(value) => Cell::Uuid(Some(*value)),
    }
}
