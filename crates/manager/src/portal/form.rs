//! A form's field as it was typed, and what is wrong with it.

use std::fmt;

use askama::filters::{Escaper as _, Html, HtmlSafe};

use super::part::Icon;

/// What was typed, kept as it was, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) value: String,
    pub(crate) problem: Option<String>,
}

impl Field {
    /// A field with nothing wrong.
    pub(crate) fn of(value: impl Into<String>) -> Self {
        Self { value: value.into(), problem: None }
    }

    /// Says what is wrong, unless something was said before.
    pub(crate) fn refuse(&mut self, problem: impl Into<String>) {
        self.problem.get_or_insert_with(|| problem.into());
    }

    /// Attributes of the input with this id: whether it is wrong, and what describes it; a hint below it, if any.
    pub(crate) fn marks<'a>(&self, id: &'a str, hint: &str) -> Marks<'a> {
        Marks { id, wrong: self.problem.is_some(), hinted: !hint.is_empty() }
    }

    /// The paragraph that says what is wrong with the input with this id; nothing if all is well.
    pub(crate) fn error<'a>(&'a self, id: &'a str) -> FieldError<'a> {
        FieldError { id, problem: self.problem.as_deref() }
    }
}

/// See [`Field::marks`].
pub(crate) struct Marks<'a> {
    id: &'a str,
    wrong: bool,
    hinted: bool,
}

impl fmt::Display for Marks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.id;
        match (self.wrong, self.hinted) {
            (true, true) => write!(f, r#" aria-invalid="true" aria-describedby="{id}-error {id}-hint""#),
            (true, false) => write!(f, r#" aria-invalid="true" aria-describedby="{id}-error""#),
            (false, true) => write!(f, r#" aria-describedby="{id}-hint""#),
            (false, false) => Ok(()),
        }
    }
}
impl HtmlSafe for Marks<'_> {}

/// See [`Field::error`].
pub(crate) struct FieldError<'a> {
    id: &'a str,
    problem: Option<&'a str>,
}

impl fmt::Display for FieldError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(problem) = self.problem else { return Ok(()) };
        write!(f, r#"<p class="error" id="{}-error">{}<span>"#, self.id, Icon::Bad)?;
        Html.write_escaped_str(&mut *f, problem)?;
        f.write_str("</span></p>")
    }
}
impl HtmlSafe for FieldError<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_problem_of_a_field_is_the_one_that_is_told() {
        let mut field = Field::of("<x>");
        assert_eq!(field.error("f").to_string(), "");
        field.refuse("is <wrong>");
        field.refuse("is late");
        let told = field.error("f").to_string();
        assert!(told.contains("is &#60;wrong&#62;") && !told.contains("late"), "{told}");
        assert!(field.marks("f", "").to_string().contains("aria-invalid"));
    }
}
