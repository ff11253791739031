//! What `is` asks of a value, each as the reference engine answers it, or declined.

use super::Unsupported;
use super::ops::{self, Operator};
use super::run::Run;
use super::value::{Declined, Eval, Value};

/// A test.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Check {
    Defined,
    Undefined,
    None,
    True,
    False,
    Text,
    Number,
    Map,
    Sequence,
    Safe,
    Compared(Operator),
    /// The reference engine's own.
    Reference(Box<str>),
}

/// Tests of the reference engine that depend on nothing but their arguments' values.
const REFERENCE: &[&str] = &[
    "boolean",
    "divisibleby",
    "endingwith",
    "even",
    "float",
    "integer",
    "int",
    "iterable",
    "lower",
    "odd",
    "startingwith",
    "upper",
];

impl Check {
    /// The test of that name.
    pub fn of(name: &str) -> Result<Check, Unsupported> {
        Ok(match name {
            "defined" => Check::Defined,
            "undefined" => Check::Undefined,
            "none" => Check::None,
            "true" => Check::True,
            "false" => Check::False,
            "string" => Check::Text,
            "number" => Check::Number,
            "mapping" => Check::Map,
            "sequence" => Check::Sequence,
            "safe" | "escaped" => Check::Safe,
            "eq" | "equalto" | "==" => Check::Compared(Operator::Equal),
            "ne" | "!=" => Check::Compared(Operator::Unequal),
            "lt" | "lessthan" | "<" => Check::Compared(Operator::Less),
            "le" | "<=" => Check::Compared(Operator::LessOrEqual),
            "gt" | "greaterthan" | ">" => Check::Compared(Operator::Greater),
            "ge" | ">=" => Check::Compared(Operator::GreaterOrEqual),
            "in" => Check::Compared(Operator::In),
            _ if REFERENCE.contains(&name) => Check::Reference(name.into()),
            _ => return Err(Unsupported::new(name, "is a test without a program")),
        })
    }
}

impl<'a> Run<'a> {
    /// Whether the test holds.
    #[inline(never)]
    pub(super) fn check(
        &mut self,
        check: &Check,
        value: Value<'a>,
        arguments: &[Value<'a>],
    ) -> Eval<bool> {
        let holds = match (check, arguments) {
            (Check::Defined, []) => !value.is_undefined(),
            (Check::Undefined, []) => value.is_undefined(),
            (Check::None, []) => matches!(value, Value::None),
            (Check::True, []) => matches!(value, Value::Bool(true)),
            (Check::False, []) => matches!(value, Value::Bool(false)),
            (Check::Text, []) => value.as_text().is_some(),
            (Check::Number, []) => {
                matches!(value, Value::Int(_) | Value::Big(_) | Value::Float(_))
            }
            (Check::Map, []) => {
                if matches!(value, Value::Namespace(_) | Value::Loop(_)) {
                    return Err(Declined("the kind of an object"));
                }
                matches!(
                    value,
                    Value::Object(_) | Value::Table(_) | Value::Pairs(_) | Value::Line(_)
                )
            }
            (Check::Sequence, []) => {
                if matches!(value, Value::Namespace(_) | Value::Loop(_)) {
                    return Err(Declined("the kind of an object"));
                }
                matches!(value, Value::List(_) | Value::Array(_))
            }
            (Check::Safe, []) => matches!(value, Value::Safe(_)),
            (Check::Compared(operator), [other]) => {
                ops::apply(*operator, value, *other, self.arena)?.is_true()?
            }
            (Check::Reference(name), _) => {
                let mut all = vec![value.reference(self.arena)?];
                for argument in arguments {
                    all.push(argument.reference(self.arena)?);
                }
                let state = self.env.empty_state();
                let held = state.perform_test(name, &all);
                held.map_err(|_| Declined("a test fails"))?
            }
            _ => return Err(Declined("a test with other arguments")),
        };
        Ok(holds)
    }
}
