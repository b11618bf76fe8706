using System.Text.Json.Nodes;
using CN2.Api.Access;
using CN2.Api.Kubernetes.Access;
using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Tests.Kubernetes.Access;

public sealed class AccessReviewsTests
{
    private static readonly AccessReviews Reviews = new(KubernetesResources.All);

    [Theory]
    [InlineData("""{"verb":"create","resource":"services","namespace":"ns1"}""")]
    [InlineData("""{"verb":"get","resource":"services","group":"","version":"*"}""")]
    [InlineData("""{"verb":"*","resource":"*","group":"*"}""")]
    [InlineData("""{"verb":"delete","resource":"floatingips","group":"core.contrail.juniper.net"}""")]
    [InlineData("""{"verb":"patch","resource":"pods","subresource":"status"}""")]
    [InlineData("""{"verb":"patch","resource":"pods/status"}""")]
    [InlineData("""{"verb":"create","resource":"selfsubjectaccessreviews","group":"authorization.k8s.io"}""")]
    public void What_is_served_is_allowed(string attributes) => Assert.Equal("""{"allowed":true}""", Review($$"""{"resourceAttributes":{{attributes}}}"""));

    [Theory]
    [InlineData("""{"verb":"create","resource":"deployments","group":"apps"}""", "deployments.apps is not served")]
    [InlineData("""{"verb":"create","resource":"secrets"}""", "secrets is not served")]
    [InlineData("""{"verb":"get","resource":"services","version":"v2"}""", "services is not served")]
    [InlineData("""{"verb":"create","resource":"endpoints"}""", "endpoints has no verb create")]
    [InlineData("""{"verb":"impersonate","resource":"services"}""", "services has no verb impersonate")]
    [InlineData("""{"verb":"get","resource":"pods","subresource":"log"}""", "pods has no subresource log")]
    [InlineData("""{"verb":"get","resource":"pods","subresource":"binding"}""", "pods/binding has no verb get")]
    [InlineData("""{}""", " is not served")]
    public void What_is_not_served_is_denied_and_it_says_why(string attributes, string reason) =>
        Assert.Equal(new JsonObject { ["allowed"] = false, ["reason"] = reason }.ToJsonString(), Review($$"""{"resourceAttributes":{{attributes}}}"""));

    [Theory]
    [InlineData("/version", "get", true)]
    [InlineData("/apis/core.contrail.juniper.net", "get", true)]
    [InlineData("/openapi/v3", "get", true)]
    [InlineData("/version", "post", false)]
    [InlineData("/logs", "get", false)]
    [InlineData("/metrics", "get", false)]
    public void Paths_can_be_asked_for_too(string path, string verb, bool isAllowed) =>
        Assert.Equal(isAllowed, (bool?)Reviews.Review(CallerRights.All, new JsonObject { ["nonResourceAttributes"] = new JsonObject { ["path"] = path, ["verb"] = verb } })["allowed"]);

    [Fact]
    public void All_rules_can_be_listed()
    {
        var rules = Reviews.Rules(CallerRights.All, "ns1");
        Assert.False((bool?)rules["incomplete"]);
        Assert.Equal(KubernetesResources.All.Sum(r => 1 + r.Subresources.Count), rules["resourceRules"]!.AsArray().Count);
        Assert.Contains("""{"verbs":["create"],"apiGroups":[""],"resources":["pods/binding"]}""", rules["resourceRules"]!.AsArray().Select(r => r!.ToJsonString()));
    }

    private static string Review(string spec) => Reviews.Review(CallerRights.All, JsonNode.Parse(spec)).ToJsonString();
}
