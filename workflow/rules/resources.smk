"""What the configuration says of the resources of rules and variants."""

from scriptorium.runs import resources

try:
    resources.apply(list(workflow.rules), CONFIG.resources)
    resources.fit(list(workflow.rules), RUNS)
except UserError as error:
    raise WorkflowError(f"The configuration has a problem.\n{error}") from None
