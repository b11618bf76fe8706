namespace CN2.Api.Reconcile;

/// <summary>The stream of an agent to this replica has ended.</summary>
/// <param name="Name">The vRouter.</param>
/// <param name="Silence">How long ago the last message came from it.</param>
internal sealed record AgentEnd(string Name, TimeSpan Silence);
