using CN2.Agents.V1;
using CN2.Api.Audit;
using CN2.Api.Authentication;
using CN2.Api.Data;
using CN2.Network.Addressing;
using Grpc.Core;

namespace CN2.Api.AgentCertificates;

/// <summary>Gives an agent its first certificate (agents.proto). The only service of the agents' port that needs no certificate.</summary>
internal sealed partial class JoinService(AgentIssuance issuance, FailedAttempts attempts, AuditQueue audit, TimeProvider time, ILogger<JoinService> logger) : AgentJoin.AgentJoinBase
{
    public override async Task<IssuedCertificate> Join(JoinRequest request, ServerCallContext context)
    {
        var http = context.GetHttpContext();
        // A token that went over the wire in plain is anybody's.
        if (!http.Request.IsHttps) throw new RpcException(new Status(StatusCode.FailedPrecondition, "agents join over TLS only; Grpc__Url must be https://"));
        // Before the database is asked; the log does not say each, because whoever tries is in it already.
        if (!attempts.MayTry(http)) throw new RpcException(new Status(StatusCode.ResourceExhausted, "this address has sent too many join tokens that do not count; try again in some seconds"));
        var from = http.Connection.RemoteIpAddress?.Unmapped().ToString() ?? "an unknown address";
        var outcome = await issuance.JoinAsync(request.Token, request.Name, request.CertificateRequest.Memory, http, context.CancellationToken);
        if (outcome is IssuanceOutcome.Refused refused)
        {
            if (refused.Why is IssuanceRefusal.UnknownToken or IssuanceRefusal.UsedToken or IssuanceRefusal.ExpiredToken or IssuanceRefusal.OtherName) attempts.TryTake(http);
            var (status, code) = IssuanceMessages.AuditOf(refused.Why);
            var origin = AuditOrigin.OfAgent(http, "join", null, request.Name);
            audit.Add(new AuditEntry(origin, time.GetStorableNow(), AuditSubject.Of(origin.Target), status) { Code = code });
            LogRefused(from, refused.Reason);
        }

        return IssuanceMessages.Of(outcome);
    }

    [LoggerMessage(EventId = 159, Level = LogLevel.Warning, Message = "An agent at {From} could not join: {Reason}")]
    private partial void LogRefused(string from, string reason);
}
