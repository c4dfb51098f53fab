//! What is wrong with the fields of a form, for the summary on top and beside each field.
//!
//! The rule: a text says what to do, and never repeats what was typed.

use std::borrow::Cow;

/// The errors of one form, in the order of its fields.
#[derive(Debug, Default)]
pub struct Errors(Vec<(&'static str, Cow<'static, str>)>);

impl Errors {
    /// One error, at the field with that id.
    #[must_use]
    pub fn one(field: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Self(vec![(field, text.into())])
    }

    /// Adds an error at the field with that id.
    pub fn add(&mut self, field: &'static str, text: impl Into<Cow<'static, str>>) {
        self.0.push((field, text.into()));
    }

    /// Adds an error unless `is_right`.
    pub fn require(&mut self, is_right: bool, field: &'static str, text: &'static str) {
        if !is_right {
            self.add(field, text);
        }
    }

    /// Whether all is well.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is wrong with one field.
    #[must_use]
    pub fn at(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(at, _)| *at == field).map(|(_, text)| text.as_ref())
    }

    /// All of them: the field's id, and what is wrong.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(field, text)| (*field, text.as_ref()))
    }
}
