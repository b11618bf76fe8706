using CN2.Api.Http;
using CN2.Api.Kubernetes.Lists;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Kubernetes.Versions;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace CN2.Api.Tests.Kubernetes.Lists;

/// <summary>The query of lists and watches: what Kubernetes takes, and what it refuses.</summary>
public sealed class ListRequestTests
{
    [Fact]
    public void A_list_of_kubectl_and_a_watch_of_an_informer_are_read()
    {
        var list = Read("?limit=500&labelSelector=app%20in%20(a,b),!x&fieldSelector=metadata.name%3Dweb").Request;
        Assert.Equal((500, false, (ResourceVersion?)null), (list.Limit, list.IsWatch, list.Version));
        Assert.Equal("web", list.Selector.Fields.ValueOf("metadata.name"));
        Assert.Equal(2, list.Selector.Labels.Requirements.Count);

        var watch = Read("?allowWatchBookmarks=true&resourceVersion=4611686018427387903&timeoutSeconds=433&watch=true").Request;
        Assert.Equal((true, true, new ResourceVersion(4611686018427387903), TimeSpan.FromSeconds(433)), (watch.IsWatch, watch.HasBookmarks, watch.Version, watch.Timeout));

        var stream = Read("?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=1&resourceVersion=").Request;
        Assert.Equal((true, VersionMatch.NotOlderThan), (stream.HasInitialEvents, stream.Match));
    }

    [Theory]
    [InlineData("?resourceVersion=abc")]
    [InlineData("?resourceVersion=-1")]
    [InlineData("?limit=-1")]
    [InlineData("?limit=many")]
    [InlineData("?watch=perhaps")]
    [InlineData("?timeoutSeconds=x")]
    [InlineData("?labelSelector=a%20is%20b")]
    [InlineData("?fieldSelector=spec.color%3Dred")]
    [InlineData("?continue=%00")]
    [InlineData("?continue=bm90aGluZw")]
    public void What_cannot_be_read_is_a_bad_request(string query) => Assert.Single(Read(query).Malformed);

    [Theory]
    [InlineData("?watch=true&resourceVersionMatch=NotOlderThan", "resourceVersionMatch")]
    [InlineData("?watch=true&sendInitialEvents=true", "sendInitialEvents")]
    [InlineData("?watch=true&sendInitialEvents=false&resourceVersionMatch=Exact", "sendInitialEvents")]
    [InlineData("?sendInitialEvents=true", "sendInitialEvents")]
    [InlineData("?resourceVersionMatch=Exact", "resourceVersionMatch")]
    [InlineData("?resourceVersionMatch=Exact&resourceVersion=0", "resourceVersionMatch")]
    [InlineData("?resourceVersionMatch=Newest&resourceVersion=1", "resourceVersionMatch")]
    public void What_does_not_go_together_is_invalid(string query, string parameter)
    {
        var (_, malformed, invalid) = Read(query);
        Assert.Empty(malformed);
        Assert.Equal([parameter], invalid);
    }

    [Fact]
    public void Every_fault_is_named_at_once() => Assert.Equal(4, Read("?limit=x&watch=y&resourceVersion=z&labelSelector=,").Malformed.Count);

    [Fact]
    public void A_continue_token_goes_there_and_back_and_takes_no_version_beside_it()
    {
        var token = new ContinueToken(new ResourceVersion(17), "ns1", "web", ContinueToken.ScopeOf(ServiceSchema.Definition, null, null, null));
        Assert.Equal(token, Read($"?continue={token}&limit=5").Request.Continue);
        Assert.NotEmpty(Read($"?continue={token}&resourceVersion=17").Malformed);
        Assert.Empty(Read($"?continue={token}&resourceVersion=0").Malformed);
    }

    private static (ListRequest Request, List<string> Malformed, IEnumerable<string> Invalid) Read(string query)
    {
        var malformed = new List<string>();
        var invalid = new FaultList();
        var request = ListRequestReader.Read(new QueryCollection(QueryHelpers.ParseQuery(query)), ServiceSchema.Definition, null, malformed, invalid);
        return (request, malformed, invalid.Select(f => f.Path));
    }
}
