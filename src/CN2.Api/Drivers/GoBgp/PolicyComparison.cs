using System.Net;
using System.Text.RegularExpressions;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// Compares wanted policies with what the engine lists. It lists everything in a form of its own: submessages that were left out, expressions with
/// anchors, sets in another order. A field that this driver does not know makes a difference too, because messages keep unknown fields.
/// </summary>
internal static partial class PolicyComparison
{
    public static bool Equal(Wire.Policy wanted, Wire.Policy actual) =>
        wanted.Name == actual.Name && wanted.Statements.Select(Normal).SequenceEqual(actual.Statements.Select(Normal));

    /// <summary>
    /// The set has the same expressions, neighbours or prefixes; repeated ones count once. That of the external peers may have more of them: a peer is
    /// put into it before the engine has taken the peer.
    /// </summary>
    public static bool Has(Wire.DefinedSet actual, Wire.DefinedSet wanted) =>
        wanted.DefinedType == actual.DefinedType && wanted.Name == actual.Name
        && (wanted.Name == WantedPolicy.ExternalPeers
            ? wanted.List.ToHashSet().IsSubsetOf(actual.List)
            : wanted.List.Select(Anchored).ToHashSet().SetEquals(actual.List.Select(Anchored)))
        && wanted.Prefixes.Select(Parsed).ToHashSet().SetEquals(actual.Prefixes.Select(Parsed));

    private static Wire.Statement Normal(Wire.Statement statement)
    {
        var normal = statement.Clone();
        normal.Conditions ??= new();
        normal.Actions ??= new();
        // The engine lists a condition that there is not as -1.
        if (normal.Conditions.RpkiResult < 0) normal.Conditions.RpkiResult = 0;
        if (normal.Actions.LargeCommunity is { Type: Wire.CommunityAction.Types.Type.Remove } removal)
        {
            var expressions = removal.Communities.Select(Anchored).ToList();
            removal.Communities.Clear();
            removal.Communities.Add(expressions);
        }
        return normal;
    }

    /// <summary>The engine writes a community without any expression as the expression for it.</summary>
    private static string Anchored(string expression) => Numbers().IsMatch(expression) ? $"^{expression}$" : expression;

    private static (IPNetwork, uint, uint) Parsed(Wire.Prefix prefix) =>
        (IPNetwork.TryParse(prefix.IpPrefix, out var network) ? network : default, prefix.MaskLengthMin, prefix.MaskLengthMax);

    [GeneratedRegex(@"\A[0-9]+(:[0-9]+)+\z")]
    private static partial Regex Numbers();
}
