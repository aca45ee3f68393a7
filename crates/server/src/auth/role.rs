//! Roles, from least to most.

use serde::Serialize;
use utoipa::ToSchema;

/// What someone may do (the roles of Airflow's simple auth manager; each includes those before it).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads all but variables.
    Viewer,
    /// Also triggers, clears, marks and pauses.
    User,
    /// Also changes pools and variables, and reads variables.
    Op,
    /// Everything.
    Admin,
}

/// The text names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a role; roles are viewer, user, op and admin")]
pub struct UnknownRole(pub String);

impl std::str::FromStr for Role {
    type Err = UnknownRole;
    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        match text.to_ascii_lowercase().as_str() {
            "viewer" => Ok(Self::Viewer),
            "user" => Ok(Self::User),
            "op" => Ok(Self::Op),
            "admin" => Ok(Self::Admin),
            _ => Err(UnknownRole(text.to_owned())),
        }
    }
}
