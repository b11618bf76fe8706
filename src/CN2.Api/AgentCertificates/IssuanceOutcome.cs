using System.Security.Cryptography.X509Certificates;

namespace CN2.Api.AgentCertificates;

/// <summary>What an agent's wish for a certificate came to.</summary>
internal abstract record IssuanceOutcome
{
    private IssuanceOutcome()
    {
    }

    /// <param name="Name">Of the VirtualRouter.</param>
    /// <param name="Certificate">The new certificate.</param>
    /// <param name="Ca">Who issued it.</param>
    public sealed record Issued(string Name, X509Certificate2 Certificate, AgentCa Ca) : IssuanceOutcome;

    /// <param name="Why">For the status of the call.</param>
    /// <param name="Reason">A sentence for the operator of the agent.</param>
    public sealed record Refused(IssuanceRefusal Why, string Reason) : IssuanceOutcome;
}
