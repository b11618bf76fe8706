namespace CN2.Api.ControlNodes;

/// <summary>How a control node is. Of one that is not alive, this is what it said last.</summary>
/// <param name="Alive">It was seen within the last 6 s.</param>
/// <param name="Leader">It is alive and finishes deletions, declares vRouters lost and writes statuses.</param>
/// <param name="LastSeenAt">When it was seen last, by the database's clock.</param>
/// <param name="Engine"><c>Running</c>, or <c>Away</c>: its gobgpd did not answer it. One that is not alive may have an engine that still announces.</param>
/// <param name="Version">The version of its program.</param>
/// <param name="Feed">What holds back changes of the database, as it sees it.</param>
public sealed record ControlNodeStatus(bool Alive, bool Leader, DateTimeOffset LastSeenAt, string Engine, string Version, ControlNodeFeed Feed);
