using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Patches;
using static CN2.Api.Tests.Kubernetes.Patches.Forms;

namespace CN2.Api.Tests.Kubernetes.Patches;

public class FieldSetTests
{
    [Theory]
    [InlineData("""{"f:a":{},"f:b":{".":{},"f:c":{}}}""")]
    [InlineData("""{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{}},"v:1":{},"v:\"a\\u003cb\"":{},"v:true":{},"i:0":{},"i:12":{}}}""")]
    [InlineData("{}")]
    public void FieldsV1_is_read_and_written_alike(string json) => Assert.Equal(JsonNode.Parse(json)!.ToJsonString(), FieldSet.Parse(JsonNode.Parse(json))!.ToJson().ToJsonString());

    [Fact]
    public void FieldsV1_is_written_sorted_and_kinds_of_the_future_are_left_out() =>
        Assert.Equal("""{"f:a":{"f:x":{}},"f:b":{}}""", FieldSet.Parse(JsonNode.Parse("""{"f:b":{},"q:z":{},"f:a":{"f:x":{}}}"""))!.ToString());

    [Theory]
    [InlineData("[]")]
    [InlineData("""{"f:a":1}""")]
    [InlineData("""{"":{}}""")]
    [InlineData("""{"fa":{}}""")]
    [InlineData("""{"k:":{}}""")]
    [InlineData("""{"k:[1]":{}}""")]
    [InlineData("""{"k:{\"a\":1,\"a\":2}":{}}""")]
    [InlineData("""{"k:{\"a\":{}}":{}}""")]
    [InlineData("""{"v:{":{}}""")]
    [InlineData("""{"v:\"\\ud800\"":{}}""")]
    [InlineData("""{"v:1e999":{}}""")]
    [InlineData("""{"i:x":{}}""")]
    public void What_is_no_fieldsV1_is_refused(string json) => Assert.Null(FieldSet.Parse(JsonNode.Parse(json)));

    [Fact]
    public void An_object_sets_its_leaves_and_the_items_of_its_lists()
    {
        var value = Tree("""
            {'metadata':{'labels':{'a':'1'},'finalizers':['f']},'spec':{'type':'x','selector':{'a':'b'},'sources':['s'],'extra':{'q':{}},
             'ports':[{'port':80},{'port':80,'protocol':'UDP','name':'u'}]}}
            """);
        const string Expected = """
            {"f:metadata":{"f:finalizers":{"v:\"f\"":{}},"f:labels":{"f:a":{}}},"f:spec":{"f:extra":{},"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{}},"k:{\"port\":80,\"protocol\":\"UDP\"}":{".":{},"f:name":{},"f:port":{},"f:protocol":{}}},"f:selector":{},"f:sources":{},"f:type":{}}}
            """;
        AssertSame(JsonNode.Parse(Expected), FieldWalk.FieldsOf(value, Service).ToJson());
    }

    [Fact]
    public void Operations_obey_the_laws_of_sets()
    {
        var random = new Random(3);
        for (var i = 0; i < 300; i++)
        {
            var a = FieldWalk.FieldsOf(RandomObjects.Next(random), Service);
            var b = FieldWalk.FieldsOf(RandomObjects.Next(random), Service);
            Assert.Equal(a.Union(b), b.Union(a));
            Assert.Equal(a, a.Except(b).Union(a.Intersect(b)));
            Assert.True(a.Except(b).Intersect(b).IsEmpty);
            Assert.Equal(a, FieldSet.Parse(a.ToJson()));
            Assert.Equal(a, FieldSet.Of(a.Paths()));
            Assert.All(a.Paths(), p => Assert.True(a.Contains(p)));
            Assert.True(a.ExceptWhole(a).IsEmpty);
        }
    }
}
