using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Lists;
using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Tests.Kubernetes.Lists;

public sealed class FieldSelectorTests
{
    private static readonly JsonObject Pod = (JsonObject)JsonNode.Parse("""{"metadata":{"name":"a=b","namespace":"ns1"},"spec":{"nodeName":"compute1"},"status":{"phase":"Running","podIPs":[{"ip":"10.0.0.1"}]}}""")!;

    [Theory]
    [InlineData("", true)]
    [InlineData("metadata.namespace=ns1", true)]
    [InlineData("metadata.namespace==ns1,spec.nodeName=compute1", true)]
    [InlineData("metadata.namespace=ns1,spec.nodeName=compute2", false)]
    [InlineData("status.phase!=Running", false)]
    [InlineData("status.phase!=Succeeded,status.phase!=Failed", true)]
    [InlineData("status.nominatedNodeName=", true)]
    [InlineData("spec.hostNetwork=false", true)]
    [InlineData("status.podIPs=10.0.0.1", true)]
    [InlineData(@"metadata.name=a\=b", true)]
    [InlineData(@"metadata.name!=a\,b", true)]
    public void All_requirements_must_hold(string text, bool matches)
    {
        var (selector, fault) = FieldSelector.Parse(text, SelectableFields.Of(PodSchema.Definition));
        Assert.Null(fault);
        Assert.Equal(matches, selector!.Matches(Pod));
    }

    [Theory]
    [InlineData("status.phase")]
    [InlineData("spec.image=x")]
    [InlineData("=x")]
    [InlineData("metadata.name=a=b")]
    [InlineData(@"metadata.name=a\b")]
    [InlineData(@"metadata.name=a\")]
    [InlineData("metadata.name in (a)")]
    public void What_is_no_selector_of_pods_is_refused(string text) => Assert.NotNull(FieldSelector.Parse(text, SelectableFields.Of(PodSchema.Definition)).Fault);

    [Fact]
    public void Custom_resources_are_selected_by_name_and_namespace() =>
        Assert.Equal("field label not supported: status.state", FieldSelector.Parse("status.state=Success", SelectableFields.Of(FloatingIPSchemas.FloatingIP)).Fault);

    [Fact]
    public void The_source_of_an_event_is_its_component()
    {
        var (selector, _) = FieldSelector.Parse("source=cn2,involvedObject.uid=7", SelectableFields.Of(EventSchema.Definition));
        Assert.True(selector!.Matches((JsonObject)JsonNode.Parse("""{"source":{"component":"cn2"},"involvedObject":{"uid":"7"}}""")!));
        Assert.False(selector.Matches((JsonObject)JsonNode.Parse("""{"source":{"component":"other"},"involvedObject":{"uid":"7"}}""")!));
    }
}
