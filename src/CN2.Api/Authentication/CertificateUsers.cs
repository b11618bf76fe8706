using System.Formats.Asn1;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CN2.Api.Access;
using CN2.Api.Transport;

namespace CN2.Api.Authentication;

/// <summary>Users by client certificates, as in Kubernetes: the subject's CN is the user, each O is a group.</summary>
internal sealed class CertificateUsers(ClientAuthorities authorities, TimeProvider time)
{
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";
    private const string CommonName = "2.5.4.3";
    private const string Organization = "2.5.4.10";

    /// <summary>Each connection's certificate is judged once for the CAs of the moment.</summary>
    private readonly ConditionalWeakTable<PresentedCertificate, Judged> _judged = [];

    /// <summary>Whose connection this is; null: it must be checked.</summary>
    public Identity? Find(PresentedCertificate presented) =>
        _judged.TryGetValue(presented, out var known) && ReferenceEquals(known.By, authorities.Current) && known.Identity.Until > time.GetUtcNow() ? known.Identity : null;

    public Identification Check(PresentedCertificate presented)
    {
        if (authorities.Current is not { } current) return new Identification.Refused("is of no use, because this server knows no CA of clients any more");
        var (fault, until) = Judge(presented, current);
        if (fault is not null) return new Identification.Refused(fault);
        if (AgentNames.FaultOf(presented.Certificate) is { } agents) return new Identification.Refused(agents);
        if (CallerOf(presented.Certificate.SubjectName) is not { } caller) return new Identification.Refused("has no common name (CN) that can be a user's name");
        var identity = new Identity(caller, until) { Revoked = current.Replaced };
        _judged.AddOrUpdate(presented, new Judged(current, identity));
        return new Identification.Known(identity);
    }

    /// <summary>The whole of the path validation is the framework's (RFC 5280). Nothing is fetched: neither certificates nor revocation lists.</summary>
    private (string? Fault, DateTimeOffset Until) Judge(PresentedCertificate presented, ClientAuthoritySet known)
    {
        var now = time.GetUtcNow();
        var (from, until) = (presented.Certificate.NotBefore.ToUniversalTime(), presented.Certificate.NotAfter.ToUniversalTime());
        if (until < now) return ("has expired", default);
        if (from > now) return ("is not valid yet", default);
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTimeIgnored = false;
        chain.ChainPolicy.VerificationTime = now.UtcDateTime;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(ClientAuthentication));
        foreach (var root in known.Roots) chain.ChainPolicy.CustomTrustStore.Add(root);
        foreach (var other in known.Others) chain.ChainPolicy.ExtraStore.Add(other);
        chain.ChainPolicy.ExtraStore.AddRange(presented.Sent);
        var isGood = chain.Build(presented.Certificate);
        var ends = chain.ChainElements.Select(e => e.Certificate.NotAfter.ToUniversalTime()).Append(until).Min();
        var status = chain.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, (all, s) => all | s.Status);
        foreach (var element in chain.ChainElements) element.Certificate.Dispose();
        return (isGood ? null : ReasonOf(status), new DateTimeOffset(ends, TimeSpan.Zero));
    }

    private static string ReasonOf(X509ChainStatusFlags status) =>
        (status & (X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.NotSignatureValid)) != 0 ? "is of a CA that this server does not know"
        : (status & X509ChainStatusFlags.NotValidForUsage) != 0 ? "is not for clients (extended key usage clientAuth)"
        : (status & X509ChainStatusFlags.NotTimeValid) != 0 ? "has a CA certificate in its chain that is out of date"
        : "is not valid";

    private static Caller? CallerOf(X500DistinguishedName subject)
    {
        var parts = Parts(subject);
        var name = parts.Find(p => p.Type == CommonName).Value;
        return string.IsNullOrEmpty(name) || name.Any(char.IsControl) ? null : new Caller(CallerKind.User, name, [.. parts.Where(p => p.Type == Organization && p.Value.Length > 0).Select(p => p.Value)]);
    }

    /// <summary>The subject's attributes. Several values of one type may be one element of it, as Go and so Kubernetes writes groups.</summary>
    private static List<(string Type, string Value)> Parts(X500DistinguishedName subject)
    {
        var parts = new List<(string, string)>();
        try
        {
            foreach (var element in subject.EnumerateRelativeDistinguishedNames(reversed: false))
            {
                var set = new AsnReader(element.RawData, AsnEncodingRules.BER).ReadSetOf(skipSortOrderValidation: true);
                while (set.HasData)
                {
                    var attribute = set.ReadSequence();
                    var type = attribute.ReadObjectIdentifier();
                    if (type is CommonName or Organization) parts.Add((type, attribute.ReadCharacterString((UniversalTagNumber)attribute.PeekTag().TagValue)));
                }
            }
        }
        catch (Exception e) when (e is AsnContentException or CryptographicException or ArgumentException)
        {
            return [];
        }

        return parts;
    }

    private sealed record Judged(ClientAuthoritySet By, Identity Identity);
}
