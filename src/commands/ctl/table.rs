//! Tables for people: columns are aligned, nothing is cut, and control characters stay out.

/// Prints rows below their heads.
pub fn print<const N: usize>(heads: [&str; N], rows: &[[String; N]]) {
    print!("{}", text(heads, rows));
}

fn text<const N: usize>(heads: [&str; N], rows: &[[String; N]]) -> String {
    let rows: Vec<[String; N]> =
        rows.iter().map(|row| row.clone().map(|cell| plain(&cell))).collect();
    let heads = heads.map(str::to_owned);
    let mut widths = [0; N];
    for row in std::iter::once(&heads).chain(&rows) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut out = String::new();
    for row in std::iter::once(&heads).chain(&rows) {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        out.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        out.push('\n');
    }
    out
}

/// What a phone says of itself must not move the cursor of whoever reads it.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let rows = [["é\u{1b}".to_owned(), "b".to_owned()], ["long".to_owned(), String::new()]];
        assert_eq!(text(["A", "B"], &rows), "A     B\né\u{fffd}    b\nlong\n");
    }
}
