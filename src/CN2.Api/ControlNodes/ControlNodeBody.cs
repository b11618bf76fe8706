namespace CN2.Api.ControlNodes;

/// <summary>A replica of CN2.Api and its BGP engine, as it describes itself.</summary>
/// <param name="Name">Its name in statuses (<c>ControlNode__Name</c>).</param>
/// <param name="Address">Its <c>Bgp__RouterId</c>, or the address from which the database sees it; null when neither is known.</param>
/// <param name="Status">How it is.</param>
public sealed record ControlNodeBody(string Name, string? Address, ControlNodeStatus Status);
