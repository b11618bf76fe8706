using Grpc.Core;

namespace CN2.Api.Drivers.VRouterStream;

/// <summary>How this replica has ended a session. The agent is told both.</summary>
/// <param name="Reason">A sentence.</param>
internal sealed record SessionEnd(string Reason, StatusCode Status);
