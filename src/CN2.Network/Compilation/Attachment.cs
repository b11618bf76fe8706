using System.Net;

namespace CN2.Network.Compilation;

/// <summary>One endpoint of an owner, as a status shows it. <paramref name="Ready"/>: the endpoint takes new flows now.</summary>
public sealed record Attachment(Guid Uid, string VirtualMachineInterface, string VirtualRouter, IPAddress Address, bool Ready);
