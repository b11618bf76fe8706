using System.Text;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Kubernetes.Wire;

namespace CN2.Api.Tests.Kubernetes.Wire;

public sealed class BodyReaderTests
{
    [Fact]
    public void A_json_member_that_is_there_twice_is_told_and_the_last_one_counts()
    {
        var read = Read("application/json", """{"spec": {"type": "a", "type": "b", "ports": [{"port": 1, "port": 2}]}}""");
        Assert.Equal("""{"spec":{"type":"b","ports":[{"port":2}]}}""", read.Object.ToJsonString());
        Assert.Equal(["duplicate field \"spec.type\"", "duplicate field \"spec.ports[0].port\""], read.Faults);
    }

    [Fact]
    public void A_yaml_key_that_is_there_twice_is_told_and_the_last_one_counts()
    {
        var read = Read("application/yaml", "spec:\n  routerType: control-node\n  address: 1.1.1.1\n  routerType: router\n");
        Assert.Equal("""{"spec":{"routerType":"router","address":"1.1.1.1"}}""", read.Object.ToJsonString());
        Assert.Equal(["line 4: key \"routerType\" already set in map"], read.Faults);
    }

    [Theory]
    [InlineData("yes", "true")]
    [InlineData("off", "false")]
    [InlineData("y", "true")]
    [InlineData("~", "null")]
    [InlineData("", "null")]
    [InlineData("010", "8")]
    [InlineData("0x1F", "31")]
    [InlineData("0b11", "3")]
    [InlineData("-1_000", "-1000")]
    [InlineData("+12", "12")]
    [InlineData("1.5e3", "1500")]
    [InlineData("9223372036854775807", "9223372036854775807")]
    [InlineData("089", "89")]
    [InlineData("1:30", "\"1:30\"")]
    [InlineData("2026-01-31", "\"2026-01-31\"")]
    [InlineData("100.0.0.0/24", "\"100.0.0.0/24\"")]
    [InlineData("'yes'", "\"yes\"")]
    [InlineData("!!str yes", "\"yes\"")]
    [InlineData("!!binary YWI=", "\"ab\"")]
    [InlineData("-", "[null]")]
    public void Scalars_are_those_of_yaml_1_1(string yaml, string json) => Assert.Equal($"{{\"a\":{json}}}", Read("application/yaml", $"a: {(yaml == "-" ? "\n- " : yaml)}").Object.ToJsonString());

    [Fact]
    public void Aliases_and_merge_keys_are_expanded() => Assert.Equal("""{"a":{"x":1,"z":2},"b":{"z":3,"x":1},"true":{"x":1,"z":2}}""",
        Read("application/apply-patch+yaml", "a: &a {x: 1, z: 2}\nb:\n  <<: *a\n  z: 3\nyes: *a\n").Object.ToJsonString());

    [Fact]
    public void A_yaml_bomb_is_a_clear_refusal()
    {
        var bomb = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for (var i = 1; i < 10; i++) bomb.Append($"a{i}: &a{i} [{string.Join(", ", Enumerable.Repeat($"*a{i - 1}", 10))}]\n");
        Assert.Equal("the body has more than 65536 values", Refused("application/yaml", bomb.ToString()).Message);
    }

    [Theory]
    [InlineData("application/json", "", "the body is empty")]
    [InlineData("application/json", "[]", "the body must be an object")]
    [InlineData("application/json", "{} {}", "the body is no JSON: line 1, byte 4")]
    [InlineData("application/json", "{\"a\": \"\\ud800\"}", "the body is no JSON: a string is no Unicode text")]
    [InlineData("application/json", "{\"a\": 1e999}", "a number is too large")]
    [InlineData("application/yaml", "", "the body is empty")]
    [InlineData("application/yaml", "a: [", null)]
    [InlineData("application/yaml", "a: 1\n---\nb: 2\n", "the body has more than one YAML document")]
    [InlineData("application/yaml", "a: &a [*a]", "line 1: no anchor &a ends before this alias")]
    [InlineData("application/yaml", "{[a]: 1}", "line 1: a key must be a scalar")]
    [InlineData("application/yaml", "a: .nan", ".nan is no number of JSON")]
    [InlineData("application/yaml", "a: \"\\UFFFFFFFF\"", null)]
    public void What_cannot_be_read_is_refused_with_a_sentence(string type, string body, string? sentence)
    {
        var refused = Refused(type, body);
        Assert.Equal(400, refused.Status);
        if (sentence is not null) Assert.Equal(sentence, refused.Message);
    }

    [Theory]
    [InlineData("application/json", "[")]
    [InlineData("application/json", "{\"a\":")]
    [InlineData("application/yaml", "[")]
    [InlineData("application/yaml", "- ")]
    [InlineData("application/yaml", "? ")]
    public void A_deep_body_is_refused_and_takes_no_stack(string type, string level) =>
        Assert.Equal(400, Refused(type, string.Concat(Enumerable.Repeat(level, 100_000))).Status);

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/vnd.kubernetes.protobuf")]
    [InlineData("application/apply-patch+cbor")]
    [InlineData(";")]
    public void Other_content_types_answer_415(string type) => Assert.Equal(415, Refused(type, "{}").Status);

    [Fact]
    public void The_router_of_the_documents_passes_its_schema()
    {
        var read = Read("application/yaml", """
            apiVersion: core.contrail.juniper.net/v1alpha1
            kind: BGPRouter
            metadata: {namespace: contrail, name: vmx1}
            spec:
              parent: {apiVersion: core.contrail.juniper.net/v1alpha1, kind: RoutingInstance, namespace: contrail, name: default}
              bgpRouterParameters:
                vendor: contrail
                address: 1.1.1.1
                identifier: 1.1.1.1
                routerType: router
                addressFamilies:
                  family: [route-target, inet-vpn, e-vpn, inet]
            """);
        var result = ObjectCheck.Check(read.Object, BgpRouterSchema.Definition.Schema);
        Assert.Empty(result.Unknown);
        Assert.Empty(result.Faults);
    }

    private static BodyResult.Read Read(string type, string body) => Assert.IsType<BodyResult.Read>(BodyReader.Read(type, Encoding.UTF8.GetBytes(body), null));

    private static BodyResult.Refused Refused(string type, string body) => Assert.IsType<BodyResult.Refused>(BodyReader.Read(type, Encoding.UTF8.GetBytes(body), null));
}
