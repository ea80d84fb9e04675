//! The page of a step that has something to fill in and something to think of before: fields, and on demand what the
//! step would do to compliance.

use askama::Template;
use seatpool_domain::Refused;

use super::form::Field;
use super::frame::{Banner, Frame};
use super::guard::Posted;
use super::part::{Count, Tone, When};
use super::sign_in::capitalised;
use super::table::ChoiceOption;
use crate::app::rehearsal::Consequence;

/// See the module.
#[derive(Template)]
#[template(path = "step.html")]
pub(crate) struct StepPage {
    pub(crate) frame: Frame,
    /// Where it belongs: path and words.
    pub(crate) up: (String, String),
    pub(crate) title: String,
    pub(crate) lead: String,
    /// What it is about, by name.
    pub(crate) facts: Vec<(&'static str, String)>,
    pub(crate) problem: Option<Banner>,
    pub(crate) inputs: Vec<Input>,
    pub(crate) action: String,
    pub(crate) button: &'static str,
    /// `primary` or `danger`.
    pub(crate) tone: &'static str,
    /// What the step would do, if it was asked for.
    pub(crate) preview: Option<Vec<ConsequenceRow>>,
}

/// Something to fill in.
pub(crate) struct Input {
    pub(crate) id: &'static str,
    pub(crate) label: &'static str,
    pub(crate) field: Field,
    pub(crate) hint: &'static str,
    pub(crate) shape: Shape,
}

/// What an input looks like.
pub(crate) enum Shape {
    Text,
    Number,
    Date,
    Area,
    Select(Vec<ChoiceOption>),
    /// Ticked when its field says `yes`.
    Check,
}

/// One licence of which the step changes something.
pub(crate) struct ConsequenceRow {
    at: When,
    license: String,
    place: String,
    in_use: Count,
    owned: (Count, Count),
    short: (Count, Count),
}

impl Input {
    pub(crate) fn new(id: &'static str, label: &'static str, shape: Shape) -> Self {
        Self { id, label, field: Field::default(), hint: "", shape }
    }

    pub(crate) fn hint(mut self, hint: &'static str) -> Self {
        self.hint = hint;
        self
    }

    pub(crate) fn value(mut self, value: impl Into<String>) -> Self {
        self.field = Field::of(value);
        self
    }

    fn is_ticked(&self) -> bool {
        self.field.value == "yes"
    }
}

impl From<Consequence> for ConsequenceRow {
    fn from(found: Consequence) -> Self {
        let count = |quantity: seatpool_proto::Quantity| Count(quantity.count());
        Self {
            at: When::at(found.at),
            license: found.name,
            place: found.virtual_account,
            in_use: count(found.in_use),
            owned: (count(found.owned.0), count(found.owned.1)),
            short: (count(found.short.0), count(found.short.1)),
        }
    }
}

impl StepPage {
    /// Keeps what was typed.
    pub(crate) fn typed(mut self, form: &Posted) -> Self {
        for input in &mut self.inputs {
            input.field = Field::of(form.text(input.id));
        }
        self
    }

    /// Fills a field in; of a choice, only with one of its options.
    pub(crate) fn prefill(&mut self, id: &str, value: &str) {
        if let Some(input) = self.inputs.iter_mut().find(|input| input.id == id) {
            let is_offered = match &input.shape {
                Shape::Select(options) => options.iter().any(|option| option.value == value),
                _ => true,
            };
            if is_offered {
                input.field = Field::of(value);
            }
        }
    }

    /// What was typed into a field.
    pub(crate) fn text(&self, id: &str) -> &str {
        self.inputs.iter().find(|input| input.id == id).map_or("", |input| input.field.value.as_str())
    }

    /// Says beside the field what is wrong with it; without such a field, above all of them.
    pub(crate) fn refuse(&mut self, id: &str, problem: impl Into<String>) {
        match self.inputs.iter_mut().find(|input| input.id == id) {
            Some(input) => input.field.refuse(problem),
            None => {
                let text = format!("{}.", problem.into());
                self.problem.get_or_insert_with(|| Banner::new(Tone::Bad, "That was not done", text));
            }
        }
    }

    /// Says what the ledger refused.
    pub(crate) fn refused(&mut self, refused: &Refused) {
        match refused {
            Refused::Invalid { field, problem } => {
                let known = self.inputs.iter().any(|input| input.id == *field);
                let text = if known { format!("It {problem}") } else { capitalised(&refused.to_string()) };
                self.refuse(field, text);
            }
            Refused::OrderDiffers { .. } | Refused::OrderCancelled { .. } => {
                self.refuse("order_id", capitalised(&refused.to_string()));
            }
            Refused::UnknownName { what: "license", .. } => {
                self.refuse("license", "Choose one of the licenses");
            }
            other => self.refuse("", capitalised(&other.to_string())),
        }
    }

    /// Whether anything is wrong.
    pub(crate) fn is_refused(&self) -> bool {
        self.problem.is_some() || self.inputs.iter().any(|input| input.field.problem.is_some())
    }
}
