//! Figures beside their limits.

/// Lines of figures, printed at the end.
#[derive(Default)]
pub(crate) struct Table {
    lines: Vec<[String; 4]>,
}

impl Table {
    /// A figure, the limit it is held against, and their ratio.
    pub(crate) fn line(&mut self, what: &str, figure: String, limit: String, ratio: f64) {
        eprintln!("measured: {what}");
        self.lines.push([what.to_owned(), figure, limit, format!("{ratio:.3}")]);
    }

    /// A limit by itself.
    pub(crate) fn limit(&mut self, what: &str, figure: String) {
        eprintln!("measured: {what}");
        self.lines.push([what.to_owned(), figure, String::new(), String::new()]);
    }

    pub(crate) fn print(&self) {
        let head = ["figure", "measured", "held against", "ratio"].map(str::to_owned);
        let rows: Vec<_> = std::iter::once(&head).chain(&self.lines).collect();
        let mut widths = [0; 4];
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row.iter()) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for row in rows {
            let cells: Vec<_> =
                row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            println!("{}", cells.join("   ").trim_end());
        }
    }
}
