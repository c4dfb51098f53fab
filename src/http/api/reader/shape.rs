//! What goes over the wire: a shape and its fields, with types and limits in words.

use serde_json::Value;

use super::Words;
use super::outline::{list, text, words};

/// Longer patterns are for machines.
const READABLE: usize = 60;

/// An object.
pub(super) struct Shape {
    pub(super) name: String,
    pub(super) about: Words,
    pub(super) fields: Vec<Field>,
}

/// A field of one, or a parameter of a call.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) about: Words,
    pub(super) kind: String,
    /// The shape that it holds, which stands elsewhere on the page.
    pub(super) part: Option<String>,
    /// The words that it may be, where they are a closed list.
    pub(super) one_of: Vec<String>,
    pub(super) limits: Vec<String>,
    pub(super) example: Option<String>,
    pub(super) is_required: bool,
}

/// Whether a shape is told on its own, for it has fields.
pub(super) fn is_part(schema: &Value) -> bool {
    schema.get("properties").is_some()
}

/// A schema, and its name in the document if it is one that is shared.
pub(super) fn resolve<'a>(document: &'a Value, schema: &'a Value) -> (&'a str, &'a Value) {
    let name = text(schema, "$ref").rsplit('/').next().unwrap_or_default();
    let found = document.pointer("/components/schemas").and_then(|schemas| schemas.get(name));
    (name, found.unwrap_or(schema))
}

impl Shape {
    pub(super) fn of(document: &Value, name: &str, schema: &Value) -> Self {
        let required: Vec<&str> = list(schema, "required").filter_map(Value::as_str).collect();
        let fields = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
        let fields = fields.map(|(name, field)| {
            Field::of(document, name, field, words(field, "description"), required.contains(&name.as_str()))
        });
        Self { name: name.to_owned(), about: words(schema, "description"), fields: fields.collect() }
    }
}

impl Field {
    /// A parameter of a path, a query or a header.
    pub(super) fn of_parameter(document: &Value, parameter: &Value) -> Self {
        let is_required = parameter.get("required").and_then(Value::as_bool).unwrap_or_default();
        let schema = parameter.get("schema").unwrap_or(&Value::Null);
        let about = words(parameter, "description");
        let mut field = Self::of(document, text(parameter, "name"), schema, about, is_required);
        field.limits.insert(0, format!("in the {}", text(parameter, "in")));
        field
    }

    fn of(document: &Value, name: &str, schema: &Value, about: Words, is_required: bool) -> Self {
        let (inner, is_null_too) = without_null(schema);
        let about = if about.is_empty() { words(inner, "description") } else { about };
        let items = inner.get("items");
        let (part, meant) = resolve(document, items.unwrap_or(inner));
        let example = [inner, meant].into_iter().find_map(example);
        let (meant, is_blank_too) = list(meant, "anyOf").next().map_or((meant, false), |text| (text, true));
        let one = kind(meant);
        let kind = if items.is_some() { format!("list of {one}") } else { one.to_owned() };
        let mut limits = limits(meant);
        if items.is_some() {
            limits.extend(self::limits(inner));
        }
        if is_blank_too {
            limits.push("or blank".to_owned());
        }
        if is_null_too && is_required {
            limits.push("or null".to_owned());
        }
        Self {
            name: name.to_owned(),
            about,
            kind,
            part: is_part(meant).then(|| part.to_owned()),
            one_of: list(meant, "enum").filter_map(Value::as_str).map(ToOwned::to_owned).collect(),
            limits,
            example: example.map(plain),
            is_required,
        }
    }
}

/// What a field holds where it is not null, and whether it may be.
fn without_null(schema: &Value) -> (&Value, bool) {
    if let Some(inner) = list(schema, "oneOf").find(|one| text(one, "type") != "null") {
        return (inner, true);
    }
    (schema, list(schema, "type").any(|kind| kind == "null"))
}

fn kind(schema: &Value) -> &'static str {
    if schema.get("enum").is_some() {
        return "one of";
    }
    let mut kinds = list(schema, "type").chain(schema.get("type")).filter_map(Value::as_str);
    match kinds.find(|kind| *kind != "null").unwrap_or_default() {
        "string" if text(schema, "format") == "date-time" => "time",
        "string" if text(schema, "format") == "email" => "mail address",
        "string" => "text",
        "integer" | "number" => "number",
        "boolean" => "true or false",
        _ => "object",
    }
}

fn limits(schema: &Value) -> Vec<String> {
    let number = |name: &str| schema.get(name).and_then(Value::as_u64);
    let between = |low: Option<u64>, high: Option<u64>, what: &str| match (low, high) {
        (Some(low), Some(high)) if low == high => Some(format!("{low}{what}")),
        (None | Some(0), Some(high)) => Some(format!("up to {high}{what}")),
        (Some(low), Some(high)) => Some(format!("{low} to {high}{what}")),
        (Some(low), None) if low > 0 => Some(format!("from {low}{what}")),
        _ => None,
    };
    let pattern = text(schema, "pattern");
    [
        between(number("minLength"), number("maxLength"), " characters"),
        between(number("minItems"), number("maxItems"), " of them"),
        between(number("minimum"), number("maximum"), ""),
        (!pattern.is_empty() && pattern.len() <= READABLE).then(|| format!("matches {pattern}")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn example(schema: &Value) -> Option<&Value> {
    schema.get("example").or_else(|| list(schema, "examples").next())
}

fn plain(example: &Value) -> String {
    example.as_str().map_or_else(|| example.to_string(), ToOwned::to_owned)
}
