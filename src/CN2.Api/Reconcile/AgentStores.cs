namespace CN2.Api.Reconcile;

/// <summary>Where it is saved what agents report.</summary>
/// <param name="Reports">Of the agents themselves.</param>
/// <param name="Health">Of the endpoints that they probe.</param>
internal sealed record AgentStores(IAgentReportStore Reports, IEndpointHealthStore Health);
