namespace CN2.Api.Drivers;

/// <summary>What an agent says of its servers other than this replica.</summary>
/// <param name="Preferred">One of them comes before this replica in the order of the agent.</param>
/// <param name="Stays">A replica has sent the agent on, and none is to send it on again for so long after this hello.</param>
public sealed record VRouterOtherServers(bool Preferred, TimeSpan Stays);
