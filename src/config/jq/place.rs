//! Where in a program a field of the object stands that it makes, so that what went wrong with it can be pointed at.

use jaq_core::load::lex::{Lexer, Tok, Token};
use jaq_core::load::span;

/// One `name: value` of the object that a program ends with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// The name of the field.
    pub name: String,
    /// The byte of the program at which it begins.
    pub at: usize,
    /// The path that its value begins with, as it is written: `.created_at`. Empty where it begins with something else.
    pub path: String,
    /// The program with this one field alone.
    pub alone: String,
}

impl Spot {
    /// Its line and its column in the program, counted from 1.
    pub fn line_and_column(&self, program: &str) -> (usize, usize) {
        let before = program.get(..self.at).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (line, column)
    }
}

/// The fields of the object that a program ends with; none where it ends with something else.
pub fn entries(program: &str) -> Vec<Spot> {
    let Ok(tokens) = Lexer::new(program).lex() else { return Vec::new() };
    let Some(Token(block, Tok::Block(inner))) = tokens.last() else { return Vec::new() };
    if !block.starts_with('{') {
        return Vec::new();
    }
    let before = program.get(..span(program, block).start).unwrap_or_default();
    let inner: Vec<&Token<&str>> = inner.iter().filter(|token| token.0 != "}").collect();
    let fields = inner.split(|token| token.0 == ",");
    fields.filter_map(|field| spot(program, before, field)).collect()
}

fn spot(program: &str, before: &str, field: &[&Token<&str>]) -> Option<Spot> {
    let (Token(first, kind), Token(last, _)) = (field.first()?, field.last()?);
    let at = span(program, first).start;
    let text = program.get(at..span(program, last).end)?;
    let name = match kind {
        Tok::Word => (*first).to_owned(),
        Tok::Var => first.trim_start_matches('$').to_owned(),
        Tok::Str(_) => first.trim_matches('"').to_owned(),
        _ => return None,
    };
    let value = match field.get(1..) {
        Some([Token(":", _), value, ..]) => program.get(span(program, value.0).start..span(program, last).end)?,
        Some([]) if matches!(kind, Tok::Word) => "",
        _ => return None,
    };
    let path = if field.len() == 1 { format!(".{name}") } else { path(value).to_owned() };
    Some(Spot { name, at, path, alone: format!("{before}{{{text}}}") })
}

/// The path that a value begins with.
fn path(value: &str) -> &str {
    let value = value.trim_start_matches(|c: char| c == '(' || c.is_whitespace());
    let end =
        value.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '[' | ']'))).unwrap_or(value.len());
    let path = value.get(..end).unwrap_or_default().trim_end_matches('.');
    if path.starts_with('.') { path } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_the_last_object_are_found_with_their_paths() {
        let program = "select(.kind == \"a\")\n| {\n  id: (.id | tostring), name,\n  \"time\": .meta.created_at,\n  tags: [.tags[] | {k: .}]\n}";
        let spots = entries(program);
        let told: Vec<_> = spots.iter().map(|spot| (spot.name.as_str(), spot.path.as_str())).collect();
        assert_eq!(told, [("id", ".id"), ("name", ".name"), ("time", ".meta.created_at"), ("tags", "")]);
        assert_eq!(spots[2].line_and_column(program), (4, 3));
        assert_eq!(spots[1].line_and_column(program), (3, 25));
        assert_eq!(spots[1].alone, "select(.kind == \"a\")\n| {name}");
        assert_eq!(entries(".a"), []);
        assert_eq!(entries("[{a: 1}]"), []);
        assert_eq!(entries("{"), []);
    }
}
