//! Text on a grid: placed, cut and aligned by display width.

use std::borrow::Cow;

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use crate::cockpit::glyphs::Glyphs;
use crate::cockpit::hit::Hit;
use crate::cockpit::theme::Styles;
use crate::cockpit::widgets::sheet::Sheet;

/// How many columns a text takes.
pub(crate) fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.width() }
}

/// A text cut to a width; a cut is shown.
pub(crate) fn fit<'t>(text: &'t str, columns: usize, ellipsis: &str) -> Cow<'t, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    if columns == 0 {
        return Cow::Borrowed("");
    }
    let mut out = String::new();
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        let wide = grapheme.width();
        if used + wide + 1 > columns {
            break;
        }
        used += wide;
        out.push_str(grapheme);
    }
    out.push_str(ellipsis);
    Cow::Owned(out)
}

/// The end of a text in so many columns, for names that begin alike; a cut is shown.
pub(crate) fn end_of<'t>(text: &'t str, columns: usize, ellipsis: &str) -> Cow<'t, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mut end = String::new();
    let mut used = 1;
    for grapheme in text.graphemes(true).rev() {
        used += width(grapheme);
        if used > columns {
            break;
        }
        end.insert_str(0, grapheme);
    }
    Cow::Owned(format!("{ellipsis}{end}"))
}

/// A text broken into lines of at most so many columns: at spaces where there are any, else anywhere. At least one.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    // Ids and times are read as wholes: no break at their hyphens.
    let options = textwrap::Options::new(columns.max(1)).word_splitter(textwrap::WordSplitter::NoHyphenation);
    textwrap::wrap(text, options).into_iter().map(std::borrow::Cow::into_owned).collect()
}

/// A text broken into pieces of at most so many columns, with every blank in its place. At least one.
pub(crate) fn wrap_exactly(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        let wide = grapheme.width();
        if used + wide > columns.max(2) {
            lines.push(String::new());
            used = 0;
        }
        used += wide;
        if let Some(line) = lines.last_mut() {
            line.push_str(grapheme);
        }
    }
    lines
}

/// What everything is painted with.
pub(crate) struct Pen<'a> {
    /// The screen.
    pub(crate) sheet: &'a mut Sheet,
    /// The theme.
    pub(crate) styles: &'a Styles,
    /// The characters.
    pub(crate) glyphs: &'static Glyphs,
    /// Whether only ASCII is drawn.
    pub(crate) ascii: bool,
    /// What lies where, for the mouse; later ones lie on top.
    pub(crate) hits: Vec<(Rect, Hit)>,
}

/// Where the next cell of a row is written.
pub(crate) struct Cells {
    line: Rect,
    x: u16,
}

impl Cells {
    /// Those of a line, behind the cursor.
    pub(crate) fn of(line: Rect) -> Self {
        Self { line, x: line.x + 2 }
    }

    /// Writes a cell that is so wide, with a blank behind it, as far as there is room.
    pub(crate) fn put(&mut self, pen: &mut Pen<'_>, wide: u16, text: &str, style: Style) {
        let wide = wide.min(self.line.right().saturating_sub(self.x));
        pen.text(self.x, self.line.y, wide.saturating_sub(1), text, style);
        self.x += wide;
    }
}

impl Pen<'_> {
    /// Says what a part of the screen is when it is clicked on.
    pub(crate) fn hit(&mut self, area: Rect, hit: Hit) {
        if !area.is_empty() {
            self.hits.push((area, hit));
        }
    }

    /// Writes a text from `x` on in at most `columns` columns, and tells how many it took.
    pub(crate) fn text(&mut self, x: u16, y: u16, columns: u16, text: &str, style: Style) -> u16 {
        let area = self.sheet.area();
        if y < area.top() || y >= area.bottom() || x >= area.right() || columns == 0 {
            return 0;
        }
        let columns = columns.min(area.right() - x);
        let text = self.plain(text);
        let shown = fit(&text, usize::from(columns), self.glyphs.ellipsis);
        self.sheet.text(x, y, columns, &shown, style)
    }

    /// Writes a text so that it ends before `x + columns`. One that is too long is cut at its end.
    pub(crate) fn right(&mut self, x: u16, y: u16, columns: u16, text: &str, style: Style) {
        let wide = u16::try_from(width(&self.plain(text))).unwrap_or(u16::MAX).min(columns);
        self.text(x + columns - wide, y, wide, text, style);
    }

    /// Writes spans one after another in at most `columns` columns; the one that does not fit is cut, the rest is
    /// left out.
    pub(crate) fn spans<'s>(
        &mut self,
        x: u16,
        y: u16,
        columns: u16,
        spans: impl IntoIterator<Item = &'s Span<'s>>,
    ) -> u16 {
        let mut used = 0;
        for span in spans {
            if used >= columns {
                break;
            }
            used += self.text(x + used, y, columns - used, &span.content, span.style);
        }
        used
    }

    /// Paints an area in a style, and empties it.
    pub(crate) fn clear(&mut self, area: Rect, style: Style) {
        self.sheet.clear(area, style);
    }

    /// Puts a style over an area.
    pub(crate) fn style(&mut self, area: Rect, style: Style) {
        self.sheet.style(area, style);
    }

    /// A rule with a title in it.
    pub(crate) fn rule(&mut self, area: Rect, title: &[Span<'_>]) {
        if area.height == 0 {
            return;
        }
        self.sheet.fill(area.x, area.y, area.width, self.glyphs.rule, self.styles.rule);
        let wide: usize = title.iter().map(|span| width(&span.content)).sum();
        let columns = u16::try_from(wide).unwrap_or(u16::MAX).min(area.width.saturating_sub(4));
        if columns == 0 {
            return;
        }
        self.text(area.x + 1, area.y, 1, " ", self.styles.rule);
        self.spans(area.x + 2, area.y, columns, title);
        self.text(area.x + 2 + columns, area.y, 1, " ", self.styles.rule);
    }

    /// A line in the middle of an area.
    pub(crate) fn centre(&mut self, area: Rect, text: &str, style: Style) {
        if area.height == 0 || area.width == 0 {
            return;
        }
        let lines = wrap(text, usize::from(area.width.saturating_sub(4).clamp(1, 90)));
        let count = u16::try_from(lines.len()).unwrap_or(area.height).min(area.height);
        let top = area.y + (area.height - count) / 2;
        for (line, y) in lines.iter().zip(top..top + count) {
            let wide = u16::try_from(width(line)).unwrap_or(area.width).min(area.width);
            self.text(area.x + (area.width - wide) / 2, y, wide, line, style);
        }
    }

    /// A text in the characters that can be drawn.
    fn plain<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if !self.ascii || text.is_ascii() {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        for grapheme in text.graphemes(true) {
            match grapheme {
                "…" => out.push('~'),
                "›" => out.push('/'),
                "·" | "–" | "—" => out.push('-'),
                "×" => out.push('x'),
                _ if grapheme.is_ascii() => out.push_str(grapheme),
                _ => out.extend(std::iter::repeat_n('?', grapheme.width())),
            }
        }
        Cow::Owned(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_by_width() {
        assert_eq!(fit("abc", 3, "…"), "abc");
        assert_eq!(fit("abcd", 3, "…"), "ab…");
        assert_eq!(fit("東京都", 5, "…"), "東京…");
        assert_eq!(fit("東京都", 4, "…"), "東…");
        assert_eq!(fit("abc", 0, "…"), "");
    }

    #[test]
    fn an_id_is_cut_at_its_beginning() {
        assert_eq!(end_of("inv_1dQ7", 8, "…"), "inv_1dQ7");
        assert_eq!(end_of("inv_1dQ7x", 8, "…"), "…v_1dQ7x");
        assert_eq!(end_of("東京都", 4, "…"), "…都");
    }

    #[test]
    fn lines_break_at_spaces_and_long_words_anywhere() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(wrap("東京都", 4), ["東京", "都"]);
    }

    #[test]
    fn a_text_can_be_broken_with_every_blank_kept() {
        assert_eq!(wrap_exactly("  ab  cd", 4), ["  ab", "  cd"]);
        assert_eq!(wrap_exactly("東京都", 4), ["東京", "都"]);
        assert_eq!(wrap_exactly("", 4), [""]);
    }

    #[test]
    fn a_wrapped_text_loses_nothing_but_spaces() {
        let text = "error: relation \"tenants\" does not exist at character 15 (SQLSTATE 42P01)";
        for columns in 1..80 {
            let lines = wrap(text, columns);
            assert!(lines.iter().all(|line| width(line) <= columns), "{columns}");
            let strip = |text: &str| text.split_whitespace().collect::<String>();
            assert_eq!(strip(&lines.concat()), strip(text), "{columns}");
        }
    }
}
