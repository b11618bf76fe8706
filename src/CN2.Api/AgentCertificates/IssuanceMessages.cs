using CN2.Agents.V1;
using CN2.Api.Http;
using Google.Protobuf;
using Grpc.Core;

namespace CN2.Api.AgentCertificates;

/// <summary>Outcomes as messages of agents.proto. Pure.</summary>
internal static class IssuanceMessages
{
    /// <exception cref="RpcException">It was refused.</exception>
    public static IssuedCertificate Of(IssuanceOutcome outcome)
    {
        if (outcome is IssuanceOutcome.Refused refused) throw new RpcException(new Status(StatusOf(refused.Why), refused.Reason));
        var issued = (IssuanceOutcome.Issued)outcome;
        var message = new IssuedCertificate { Name = issued.Name, Certificate = ByteString.CopyFrom(issued.Certificate.RawDataMemory.Span) };
        message.Authorities.AddRange(issued.Ca.Chain.Select(c => ByteString.CopyFrom(c.RawDataMemory.Span)));
        return message;
    }

    /// <summary>How a refusal stands in the audit log: as the same refusal of REST would.</summary>
    public static (int Status, string Code) AuditOf(IssuanceRefusal why) => why switch
    {
        IssuanceRefusal.UnknownToken or IssuanceRefusal.UsedToken or IssuanceRefusal.ExpiredToken => (401, ProblemCodes.Unauthenticated),
        IssuanceRefusal.OtherName => (403, ProblemCodes.Forbidden),
        IssuanceRefusal.WrongRequest => (400, ProblemCodes.ValidationFailed),
        IssuanceRefusal.TooMany => (429, ProblemCodes.TooManyRequests),
        _ => (503, ProblemCodes.Unavailable),
    };

    private static StatusCode StatusOf(IssuanceRefusal why) => why switch
    {
        IssuanceRefusal.UnknownToken => StatusCode.Unauthenticated,
        IssuanceRefusal.UsedToken or IssuanceRefusal.ExpiredToken => StatusCode.FailedPrecondition,
        IssuanceRefusal.OtherName => StatusCode.PermissionDenied,
        IssuanceRefusal.WrongRequest => StatusCode.InvalidArgument,
        IssuanceRefusal.TooMany => StatusCode.ResourceExhausted,
        _ => StatusCode.Unavailable,
    };
}
