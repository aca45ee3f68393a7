//! Airflow's enumerations, for OpenAPI: the values themselves are the model's.

use utoipa::ToSchema;

macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($variant:ident)* }) => {
        $(#[$doc])*
        #[derive(ToSchema)]
        #[schema(rename_all = "snake_case")]
        #[allow(missing_docs, dead_code)]
        pub enum $name { $($variant),* }
    };
}

names! {
    /// The state of a run.
    DagRunState { Queued Running Success Failed }
}
names! {
    /// What made a run.
    DagRunType { Backfill Scheduled Manual OperatorTriggered AssetTriggered AssetMaterialization }
}
names! {
    /// What asked for a run.
    DagRunTriggeredByType { Cli Operator RestApi Ui Test Timetable Asset Backfill }
}
names! {
    /// The state of a task instance; `null` before its first decision.
    TaskInstanceState {
        Removed Scheduled Queued Running Success Restarting Failed UpForRetry UpForReschedule UpstreamFailed Skipped Deferred
        AwaitingInput
    }
}
