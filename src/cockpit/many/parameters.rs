//! The parameters of a runbook being filled in: a field for each, and what its schema says of it.

use std::sync::Arc;

use tui_input::Input;

use super::Whom;
use crate::domain::plan::{Pace, Waves};
use crate::domain::remedy::{Remedy, Wished};
use crate::domain::runbook::schema::told;
use crate::domain::runbook::{Field, Given, Runbook};
use crate::domain::text::SafeText;
use crate::ops::PlanWish;

/// A field or a button of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParametersPart {
    /// A field, by its place.
    Field(usize),
    /// Plan nothing.
    Cancel,
    /// Plan it.
    Plan,
}

/// The parameters of a runbook being filled in.
#[derive(Debug, Clone)]
pub struct ParametersForm {
    /// To whom it is to be done.
    pub whom: Whom,
    /// Which runbook.
    pub runbook: Arc<Runbook>,
    /// The parameters, and what is typed for each.
    pub fields: Vec<(Field, Input)>,
    /// Where the focus is.
    pub focus: ParametersPart,
}

impl ParametersForm {
    /// One in which stands what holds by default.
    pub fn new(whom: Whom, runbook: Arc<Runbook>) -> Self {
        let usual = |field: &Field| Input::new(field.default.as_ref().map(told).unwrap_or_default());
        let fields = runbook.schema.fields().into_iter().map(|field| (usual(&field), field));
        let fields = fields.map(|(input, field)| (field, input)).collect();
        Self { whom, runbook, fields, focus: ParametersPart::Field(0) }
    }

    /// The fields and buttons in their order.
    pub fn parts(&self) -> Vec<ParametersPart> {
        let fields = (0..self.fields.len()).map(ParametersPart::Field);
        fields.chain([ParametersPart::Cancel, ParametersPart::Plan]).collect()
    }

    /// The field with the focus.
    pub fn field(&mut self) -> Option<&mut Input> {
        match self.focus {
            ParametersPart::Field(at) => self.fields.get_mut(at).map(|(_, input)| input),
            ParametersPart::Cancel | ParametersPart::Plan => None,
        }
    }

    /// What is given: what is left empty is not.
    fn given(&self) -> Given {
        let filled = self.fields.iter().filter(|(_, input)| !input.value().is_empty());
        filled.map(|(field, input)| (field.name.to_string(), field.read(input.value()))).collect()
    }

    /// What is wrong, by the place of its field; `None` for what is about none of them.
    pub fn wrong(&self) -> Vec<(Option<usize>, SafeText)> {
        let wrong = self.runbook.schema.read(&self.given()).err().unwrap_or_default();
        let place = |name: &SafeText| self.fields.iter().position(|(field, _)| field.name == *name);
        wrong.into_iter().map(|breach| (breach.field.as_ref().and_then(place), breach.why)).collect()
    }

    /// What is in the way of planning it.
    pub fn obstacle(&self) -> Option<String> {
        let (at, why) = self.wrong().into_iter().next()?;
        let name = at.and_then(|at| self.fields.get(at)).map(|(field, _)| format!("{}: ", field.name));
        Some(format!("{}{why}", name.unwrap_or_default()))
    }

    /// The plan that is to be made.
    pub fn wish(&self) -> PlanWish {
        wish(&self.whom, &self.runbook, self.given())
    }
}

/// The plan of a runbook that is to be made.
pub fn wish(whom: &Whom, runbook: &Runbook, parameters: Given) -> PlanWish {
    PlanWish {
        remedy: Remedy::Runbook(Wished {
            name: runbook.id.name.clone(),
            version: Some(runbook.id.version.clone()),
            parameters,
        }),
        selection: whom.selection.clone(),
        waves: Waves::default(),
        pace: Pace::default(),
    }
}
