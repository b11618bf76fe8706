using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;

namespace CN2.Api.Authentication;

/// <summary>
/// Certificates of agents name a VirtualRouter (<c>spiffe://CLUSTER/virtual-router/NAME</c>). Where one CA issues those of users too, they must not count as users: an
/// operator makes VirtualRouters, and would be whom he likes.
/// </summary>
internal static class AgentNames
{
    private const string AlternativeName = "2.5.29.17";
    private static readonly Asn1Tag Uri = new(TagClass.ContextSpecific, 6);

    /// <summary>Why the certificate is no user's, as the end of "the client certificate …"; null: it says nothing of agents.</summary>
    public static string? FaultOf(X509Certificate2 certificate)
    {
        try
        {
            foreach (var extension in certificate.Extensions.Where(e => e.Oid?.Value == AlternativeName))
            {
                var names = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence();
                while (names.HasData)
                {
                    if (!names.PeekTag().HasSameClassAndValue(Uri)) names.ReadEncodedValue();
                    else if (IsAgents(names.ReadCharacterString(UniversalTagNumber.IA5String, Uri))) return "is that of a VirtualRouter, which is no user";
                }
            }

            return null;
        }
        catch (AsnContentException)
        {
            return "has alternative names (SAN) that cannot be read";
        }
    }

    /// <summary>Of any cluster, and however it is written: a certificate of another one is no user's either.</summary>
    private static bool IsAgents(string uri) => uri.StartsWith("spiffe:", StringComparison.OrdinalIgnoreCase) && uri.Contains("/virtual-router/", StringComparison.OrdinalIgnoreCase);
}
