using CN2.Agents.V1;
using CN2.Network.Addressing;
using Grpc.Core;

namespace CN2.Api.AgentCertificates;

/// <summary>Gives an agent its first certificate (agents.proto). The only service of the agents' port that needs no certificate.</summary>
internal sealed partial class JoinService(AgentIssuance issuance, ILogger<JoinService> logger) : AgentJoin.AgentJoinBase
{
    public override async Task<IssuedCertificate> Join(JoinRequest request, ServerCallContext context)
    {
        var http = context.GetHttpContext();
        // A token that went over the wire in plain is anybody's.
        if (!http.Request.IsHttps) throw new RpcException(new Status(StatusCode.FailedPrecondition, "agents join over TLS only; Grpc__Url must be https://"));
        var from = http.Connection.RemoteIpAddress?.Unmapped().ToString() ?? "an unknown address";
        var outcome = await issuance.JoinAsync(request.Token, request.Name, request.CertificateRequest.Memory, from, context.CancellationToken);
        if (outcome is IssuanceOutcome.Refused refused) LogRefused(from, refused.Reason);
        return IssuanceMessages.Of(outcome);
    }

    [LoggerMessage(EventId = 159, Level = LogLevel.Warning, Message = "An agent at {From} could not join: {Reason}")]
    private partial void LogRefused(string from, string reason);
}
