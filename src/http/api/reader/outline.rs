//! The document as the page goes through it: groups of calls, then the parts that their answers share.

use serde_json::{Map, Value};

use super::Words;
use super::shape::{self, Field, Shape};

/// The whole of it.
pub(super) struct Outline {
    pub(super) bearers: Vec<Bearer>,
    pub(super) groups: Vec<Group>,
    pub(super) problems: Vec<Problem>,
    pub(super) parts: Vec<Shape>,
}

/// A kind of token.
pub(super) struct Bearer {
    pub(super) name: String,
    pub(super) about: Words,
}

/// The calls of those who make them.
pub(super) struct Group {
    pub(super) name: String,
    pub(super) about: Words,
    pub(super) calls: Vec<Call>,
}

/// One call.
pub(super) struct Call {
    pub(super) id: String,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) about: Words,
    /// Any one of them will do.
    pub(super) bearers: Vec<String>,
    pub(super) needs_none: bool,
    pub(super) parameters: Vec<Field>,
    pub(super) body: Option<Shape>,
    pub(super) answers: Vec<Reply>,
    pub(super) problems: Vec<Refused>,
}

/// How a call ends well.
pub(super) struct Reply {
    pub(super) status: String,
    pub(super) about: Words,
    pub(super) shape: Option<Shape>,
}

/// How one ends otherwise.
pub(super) struct Refused {
    pub(super) status: String,
    pub(super) codes: Vec<String>,
}

/// What a status means, in every call that can end with it.
pub(super) struct Problem {
    pub(super) status: String,
    pub(super) about: Words,
}

impl Outline {
    pub(super) fn of(document: &Value) -> Self {
        let calls: Vec<(&Value, Call)> = objects(document, "/paths")
            .flat_map(|(path, item)| {
                entries(item).map(move |(method, call)| (call, Call::of(document, path, method, call)))
            })
            .collect();
        let problems = problems(&calls);
        let mut groups: Vec<Group> = list(document, "tags").map(Group::of).collect();
        for (call, seen) in calls {
            let tag = call.pointer("/tags/0").and_then(Value::as_str).unwrap_or_default();
            if let Some(group) = groups.iter_mut().find(|group| group.name == tag) {
                group.calls.push(seen);
            }
        }
        let bearers = objects(document, "/components/securitySchemes");
        let bearers = bearers
            .map(|(name, scheme)| Bearer { name: name.clone(), about: words(scheme, "description") })
            .collect();
        let parts = objects(document, "/components/schemas").filter(|(_, schema)| shape::is_part(schema));
        let parts = parts.map(|(name, schema)| Shape::of(document, name, schema)).collect();
        Self { bearers, groups, problems, parts }
    }
}

impl Group {
    fn of(tag: &Value) -> Self {
        Self { name: text(tag, "name").to_owned(), about: words(tag, "description"), calls: Vec::new() }
    }
}

impl Call {
    fn of(document: &Value, path: &str, method: &str, call: &Value) -> Self {
        let needs: Vec<&Map<String, Value>> = list(call, "security").filter_map(Value::as_object).collect();
        let (answers, problems) = answers(document, call);
        Self {
            id: text(call, "operationId").to_owned(),
            method: method.to_uppercase(),
            path: path.to_owned(),
            about: words(call, "summary"),
            bearers: needs.iter().flat_map(|need| need.keys().cloned()).collect(),
            needs_none: needs.iter().any(|need| need.is_empty()),
            parameters: list(call, "parameters").map(|one| Field::of_parameter(document, one)).collect(),
            body: call.pointer("/requestBody/content/application~1json/schema").map(|schema| {
                let (name, schema) = shape::resolve(document, schema);
                Shape::of(document, name, schema)
            }),
            answers,
            problems,
        }
    }
}

fn answers(document: &Value, call: &Value) -> (Vec<Reply>, Vec<Refused>) {
    let (mut answers, mut problems) = (Vec::new(), Vec::new());
    for (status, answer) in objects(call, "/responses") {
        let about = words(answer, "description");
        if status.starts_with('2') {
            let shape = answer.pointer("/content/application~1json/schema").map(|schema| {
                let (name, schema) = shape::resolve(document, schema);
                Shape::of(document, name, schema)
            });
            answers.push(Reply { status: status.clone(), about, shape });
        } else {
            let codes = about.0.into_iter().filter(|(is_code, _)| *is_code).map(|(_, code)| code);
            let codes = codes.filter(|code| !code.contains(['/', '-'])).collect();
            problems.push(Refused { status: status.clone(), codes });
        }
    }
    (answers, problems)
}

fn problems(calls: &[(&Value, Call)]) -> Vec<Problem> {
    let all = calls.iter().flat_map(|(call, _)| objects(call, "/responses"));
    let mut seen: Vec<_> = all.filter(|(status, _)| !status.starts_with('2')).collect();
    seen.sort_by_key(|(status, _)| *status);
    seen.dedup_by_key(|(status, _)| *status);
    let problem = |(status, answer): (&String, &Value)| Problem {
        status: status.clone(),
        about: words(answer, "description"),
    };
    seen.into_iter().map(problem).collect()
}

fn objects<'a>(value: &'a Value, at: &str) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
    value.pointer(at).into_iter().flat_map(entries)
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// What stands under a name, if it is a list.
pub(super) fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// What stands under a name, if it is text.
pub(super) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The same in pieces.
pub(super) fn words(value: &Value, name: &str) -> Words {
    Words::of(text(value, name))
}
