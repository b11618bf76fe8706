using System.Net;

namespace CN2.Network.Compilation;

/// <summary>One endpoint of an owner as statuses show it. <paramref name="Ready"/>: it takes new flows now.</summary>
public sealed record Attachment(Guid Uid, string VirtualMachineInterface, string VirtualRouter, IPAddress Address, bool Ready);
