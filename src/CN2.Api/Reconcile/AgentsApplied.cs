using CN2.Api.Data;

namespace CN2.Api.Reconcile;

/// <summary>
/// What the agents of a control node have applied. It is true of each agent whose row says that it is connected there and has answered, but for those that are named: it stands
/// beside their rows, so that what all agents acknowledge costs one row.
/// </summary>
/// <param name="ControlNode">The control node that they have dialled.</param>
/// <param name="Position">They have applied everything up to there.</param>
/// <param name="Behind">Names of vRouters whose agents may have applied less.</param>
internal sealed record AgentsApplied(string ControlNode, FeedPosition Position, IReadOnlyCollection<string> Behind);
