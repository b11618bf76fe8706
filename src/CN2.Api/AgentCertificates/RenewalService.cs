using CN2.Agents.V1;
using CN2.Api.Drivers;
using Grpc.Core;

namespace CN2.Api.AgentCertificates;

/// <summary>Gives an agent that shows a valid certificate the next one (agents.proto). The one before stays valid until its end.</summary>
internal sealed class RenewalService(AgentIssuance issuance, AgentCertificateRegistry registry) : AgentRenewal.AgentRenewalBase
{
    public override async Task<IssuedCertificate> Renew(RenewRequest request, ServerCallContext context)
    {
        var http = context.GetHttpContext();
        var identity = await registry.RecognizeAsync(http.Connection.ClientCertificate, http.Connection.RemoteIpAddress, context.CancellationToken) switch
        {
            VRouterIdentification.Known known => known.Identity,
            VRouterIdentification.Refused refused => throw new RpcException(new Status(StatusCode.Unauthenticated, refused.Reason)),
            VRouterIdentification.TooMany tooMany => throw new RpcException(new Status(StatusCode.ResourceExhausted, tooMany.Reason)),
            VRouterIdentification.Unavailable away => throw new RpcException(new Status(StatusCode.Unavailable, away.Reason)),
            _ => throw new RpcException(new Status(StatusCode.Unauthenticated, "the agent shows no certificate")),
        };
        return IssuanceMessages.Of(await issuance.RenewAsync(identity, request.CertificateRequest.Memory, http, context.CancellationToken));
    }
}
