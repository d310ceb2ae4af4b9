//! The view: `GET /TABLE?select=…&order=…&offset=…&limit=…&COLUMN=eq.VALUE`, with `Content-Range` and `ETag`.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use super::Database;
use crate::support::hostile::{Behaviour, Hostile, Reply};
use crate::support::request::Request;

/// What can be read.
const TABLES: [&str; 5] = ["tenants", "tenant_cards", "users", "limits", "changes"];

/// How many rows a page has at most, whatever is asked for.
const MOST: usize = 300;

#[derive(Clone)]
pub struct View {
    database: Database,
}

impl View {
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    pub fn start(self) -> Hostile {
        Hostile::start(Behaviour::By(Arc::new(move |request| self.answer(request))))
    }

    fn answer(&self, request: &Request) -> Behaviour {
        let told = |status, message: &str| {
            Behaviour::Answers(Reply::new(
                status,
                "application/json",
                serde_json::json!({ "message": message }).to_string(),
            ))
        };
        if request.method != "GET" {
            return told(405, "this view is read-only");
        }
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let table = path.trim_matches('/');
        if !TABLES.contains(&table) {
            return told(404, "there is no such table");
        }
        let (offset, sql) = match sql(table, query) {
            Ok(parts) => parts,
            Err(why) => return told(400, &why),
        };
        let body = match self.database.tried(&format!("select coalesce(json_agg(t), '[]') from ({sql}) t")) {
            Ok(body) => body,
            Err(why) => return told(400, &why),
        };
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        let tag = format!("\"{:x}\"", hasher.finish());
        if request.header("if-none-match") == Some(tag.as_str()) {
            return Behaviour::Answers(Reply { status: 304, headers: vec![("etag", tag)], body: Vec::new() });
        }
        let rows = serde_json::from_str::<Vec<serde_json::Value>>(&body).unwrap().len();
        let range = match rows {
            0 => "*/*".to_owned(),
            _ => format!("{offset}-{}/*", offset + rows - 1),
        };
        Behaviour::Answers(Reply::new(200, "application/json", body).with("content-range", range).with("etag", tag))
    }
}

/// The statement, and how many rows it leaves out.
fn sql(table: &str, query: &str) -> Result<(usize, String), String> {
    let (mut columns, mut order, mut offset, mut limit) = ("*".to_owned(), "1".to_owned(), 0, MOST);
    let mut conditions = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or("a parameter has no value")?;
        let value = decoded(value);
        let number = || value.parse::<usize>().map_err(|_| format!("{name} is no number"));
        match name {
            "select" if value == "*" => {}
            "select" => columns = value.split(',').map(column).collect::<Result<Vec<_>, _>>()?.join(", "),
            "order" => {
                let (by, way) = value.split_once('.').unwrap_or((&value, "asc"));
                order = format!("{} {}", column(by)?, if way == "desc" { "desc" } else { "asc" });
            }
            "offset" => offset = number()?,
            "limit" => limit = number()?.min(MOST),
            _ => {
                let (operator, value) = value.split_once('.').ok_or("a filter is OPERATOR.VALUE")?;
                let sign = [("eq", "="), ("gt", ">"), ("gte", ">="), ("lt", "<"), ("lte", "<=")];
                let sign = sign.iter().find(|(known, _)| *known == operator).ok_or("an unknown operator")?.1;
                conditions.push(format!("{} {sign} '{}'", column(name)?, value.replace('\'', "''")));
            }
        }
    }
    let conditions = if conditions.is_empty() { String::new() } else { format!(" where {}", conditions.join(" and ")) };
    Ok((offset, format!("select {columns} from {table}{conditions} order by {order} offset {offset} limit {limit}")))
}

/// The name of a column.
fn column(name: &str) -> Result<String, String> {
    let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if plain { Ok(name.to_owned()) } else { Err(format!("{name} is no column")) }
}

fn decoded(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        let mut hex = || char::from(bytes.next().unwrap_or(b'0')).to_digit(16).unwrap_or_default();
        decoded.push(match byte {
            b'%' => u8::try_from(hex() * 16 + hex()).unwrap(),
            b'+' => b' ',
            byte => byte,
        });
    }
    String::from_utf8(decoded).unwrap()
}
