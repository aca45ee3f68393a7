//! Tables in the look of Airflow's command line: columns, a double line, rows.

use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use super::Paint;

/// Columns and rows of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// These fields of each object, in this order. A dotted name leads into an inner object.
    pub fn new(columns: &[&str], rows: &[Value]) -> Self {
        let cell =
            |row: &Value, column: &str| column.split('.').try_fold(row, |value, name| value.get(name)).map_or_else(String::new, text_of);
        Self {
            columns: columns.iter().map(|column| (*column).to_owned()).collect(),
            rows: rows.iter().map(|row| columns.iter().map(|column| cell(row, column)).collect()).collect(),
        }
    }

    /// As text that ends with a newline. No row gives a line that says so.
    pub fn render(&self, paint: Paint) -> String {
        if self.rows.is_empty() {
            return "No data found\n".to_owned();
        }
        let widths: Vec<usize> = (0..self.columns.len()).map(|at| self.width(at)).collect();
        let mut lines = vec![paint.strong(&line(&self.columns, &widths))];
        lines.push(widths.iter().map(|width| "=".repeat(*width)).collect::<Vec<_>>().join("=+="));
        lines.extend(self.rows.iter().map(|row| self.row(row, &widths, paint)));
        lines.join("\n") + "\n"
    }

    fn width(&self, at: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(at)).chain(self.columns.get(at));
        cells.map(|cell| cell.width()).max().unwrap_or(0)
    }

    fn row(&self, row: &[String], widths: &[usize], paint: Paint) -> String {
        let padded = pad(row, widths);
        let cells = self.columns.iter().zip(padded).map(|(name, cell)| if is_state(name) { paint.state(&cell) } else { cell });
        cells.collect::<Vec<_>>().join(" | ").trim_end().to_owned()
    }
}

fn is_state(column: &str) -> bool {
    column == "state" || column.ends_with("_state")
}

fn line(cells: &[String], widths: &[usize]) -> String {
    pad(cells, widths).collect::<Vec<_>>().join(" | ").trim_end().to_owned()
}

fn pad<'a>(cells: &'a [String], widths: &'a [usize]) -> impl Iterator<Item = String> + 'a {
    cells.iter().zip(widths).map(|(cell, width)| format!("{cell}{}", " ".repeat(width.saturating_sub(cell.width()))))
}

/// An object as `name | value` lines.
pub fn fields(object: &Value, paint: Paint) -> String {
    let Value::Object(map) = object else { return text_of(object) + "\n" };
    let width = map.keys().map(|key| key.width()).max().unwrap_or(0);
    let line = |(key, value): (&String, &Value)| {
        let text = text_of(value);
        let text = if is_state(key) { paint.state(&text) } else { text };
        format!("{}{} | {text}", paint.strong(key), " ".repeat(width - key.width())).trim_end().to_owned() + "\n"
    };
    map.iter().map(line).collect()
}

/// A value in a cell: texts bare and on one line, nothing for `null`, lists with commas.
pub fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.replace('\n', "\\n").replace(['\r', '\t', '\x1b'], " "),
        Value::Array(items) if items.iter().all(|item| !item.is_array() && !item.is_object()) => {
            items.iter().map(text_of).collect::<Vec<_>>().join(", ")
        }
        // Seconds, mostly: what is below a microsecond is noise of binary fractions.
        Value::Number(number) if number.is_f64() => {
            let rounded = format!("{:.6}", number.as_f64().unwrap_or_default());
            rounded.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [
            json!({"dag_id": "übermäßig", "state": "failed", "tags": ["a", "b"], "next": null, "extra": 1}),
            json!({"dag_id": "日本", "state": "up_for_retry", "tags": [], "next": {"at": "2026-01-01T00:00:00Z"}}),
        ];
        let table = Table::new(&["dag_id", "state", "tags", "next.at"], &rows);
        insta::assert_snapshot!(table.render(Paint::new(false)), @"
        dag_id    | state        | tags | next.at
        ==========+==============+======+=====================
        übermäßig | failed       | a, b |
        日本      | up_for_retry |      | 2026-01-01T00:00:00Z
        ");
    }

    #[test]
    fn only_states_are_coloured_and_padding_does_not_count_the_codes() {
        let rows = [json!({"id": "success", "state": "success"}), json!({"id": "b", "state": null})];
        let text = Table::new(&["id", "state"], &rows).render(Paint::new(true));
        insta::assert_snapshot!(text.replace('\x1b', "^"), @"
        ^[1mid      | state^[0m
        ========+========
        success | ^[32msuccess^[0m
        b       |
        ");
    }

    #[test]
    fn a_cell_is_one_line_and_can_not_drive_the_terminal() {
        assert_eq!(text_of(&json!("a\nb\x1b[2J")), "a\\nb [2J");
        assert_eq!(text_of(&json!([1.5985719999999999, 2.0, 7])), "1.598572, 2, 7");
        assert_eq!(Table::new(&["a"], &[]).render(Paint::new(false)), "No data found\n");
    }

    #[test]
    fn an_object_is_a_line_per_field() {
        let object = json!({"dag_id": "d", "is_paused": false, "note": null, "conf": {"a": 1}});
        insta::assert_snapshot!(fields(&object, Paint::new(false)), @r#"
        dag_id    | d
        is_paused | false
        note      |
        conf      | {"a":1}
        "#);
    }
}
