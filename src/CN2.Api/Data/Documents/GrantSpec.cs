using System.Net;
using CN2.Network.Collections;
using CN2.Network.Grants;

namespace CN2.Api.Data.Documents;

/// <summary>Column <c>namespace_grant.spec</c>: the patterns of the request, in canonical text, sorted and distinct. The quotas have columns of their own.</summary>
public sealed record GrantSpec
{
    public List<string> Prefixes { get; set; } = [];
    public List<string> RouteTargets { get; set; } = [];
    public List<string> Communities { get; set; } = [];
    public List<string> LargeCommunities { get; set; } = [];

    /// <summary>Null: endpoints may have any address.</summary>
    public List<string>? EndpointPrefixes { get; set; }

    /// <summary>As values.</summary>
    /// <exception cref="FormatException">Somebody edited the database: a part of a grant that cannot be read must not be taken for another grant.</exception>
    public Grant Read() => new()
    {
        Prefixes = Prefixes.Select(IPNetwork.Parse).ToEquatableList(),
        RouteTargets = RouteTargets.Select(t => RouteTargetPattern.TryParse(t, out var pattern, out var error) ? pattern : throw new FormatException(error)).ToEquatableList(),
        Communities = Communities.Select(t => CommunityPattern.TryParse(t, out var pattern, out var error) ? pattern : throw new FormatException(error)).ToEquatableList(),
        LargeCommunities = LargeCommunities.Select(t => LargeCommunityPattern.TryParse(t, out var pattern, out var error) ? pattern : throw new FormatException(error)).ToEquatableList(),
    };
}
