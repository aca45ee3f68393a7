//! What a reader was asked for, as OpenAPI tells it.

use serde_json::Value;
use utoipa::openapi::{
    ArrayBuilder, KnownFormat, ObjectBuilder, RefOr, Required, Schema, SchemaFormat,
    path::{Parameter, ParameterBuilder, ParameterIn},
    schema::{SchemaType, Type},
};

/// The type of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Any text, at most so long if the limit is above 0.
    Text(usize),
    /// One of these.
    Choice(Vec<&'static str>),
    /// A date and time.
    Date,
    /// A whole number, at least this.
    Integer(Option<i64>),
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// An object with any keys.
    Object,
    /// Any JSON.
    Any,
    /// A list of texts.
    Texts,
    /// A list of ids, or of pairs of an id and a map index.
    TaskIds,
}

/// A field that a reader was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// Whether it may be left out.
    pub required: bool,
    /// Whether it may be `null`.
    pub nullable: bool,
    /// What leaving it out means.
    pub default: Option<Value>,
}

impl Field {
    /// Its schema.
    pub fn schema(&self) -> RefOr<Schema> {
        if let Kind::Texts | Kind::TaskIds = self.kind {
            let texts = self.kind == Kind::Texts;
            let items =
                if texts { ObjectBuilder::new().schema_type(Type::String) } else { ObjectBuilder::new().schema_type(SchemaType::AnyValue) };
            let array = ArrayBuilder::new().items(items.build()).schema_type(self.schema_type(Type::Array));
            return RefOr::T(Schema::Array(array.build()));
        }
        let object = ObjectBuilder::new().default(self.default.clone());
        let object = match &self.kind {
            Kind::Text(limit) => object.schema_type(self.schema_type(Type::String)).max_length((*limit > 0).then_some(*limit)),
            Kind::Choice(names) => {
                let null = self.nullable.then_some(Value::Null);
                let values: Vec<Value> = names.iter().map(|name| Value::from(*name)).chain(null).collect();
                object.schema_type(self.schema_type(Type::String)).enum_values(Some(values))
            }
            Kind::Date => object.schema_type(self.schema_type(Type::String)).format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))),
            Kind::Integer(minimum) => object.schema_type(self.schema_type(Type::Integer)).minimum(minimum.map(|m| m as f64)),
            Kind::Number => object.schema_type(self.schema_type(Type::Number)),
            Kind::Boolean => object.schema_type(self.schema_type(Type::Boolean)),
            Kind::Object => object.schema_type(self.schema_type(Type::Object)),
            Kind::Any | Kind::Texts | Kind::TaskIds => object.schema_type(SchemaType::AnyValue),
        };
        RefOr::T(Schema::Object(object.build()))
    }

    fn schema_type(&self, own: Type) -> SchemaType {
        if self.nullable { SchemaType::from_iter([own, Type::Null]) } else { SchemaType::Type(own) }
    }

    /// It as a query parameter.
    pub fn parameter(&self) -> Parameter {
        ParameterBuilder::new()
            .name(&self.name)
            .parameter_in(ParameterIn::Query)
            .required(if self.required { Required::True } else { Required::False })
            .schema(Some(self.schema()))
            .build()
    }
}
