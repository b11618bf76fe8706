namespace CN2.Api.Http;

/// <summary>An endpoint for agents: it is reachable on the listener <c>Grpc__Url</c>, and nothing else is there.</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
internal sealed class AgentsApiAttribute : Attribute;
