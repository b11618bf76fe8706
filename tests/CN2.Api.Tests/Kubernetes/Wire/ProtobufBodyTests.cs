using System.Text;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Kubernetes.Wire;
using Google.Protobuf;

namespace CN2.Api.Tests.Kubernetes.Wire;

public sealed class ProtobufBodyTests
{
    private static readonly Schema.Structure Service = ServiceSchema.Definition.Schema;

    [Fact]
    public void A_service_is_read_as_kubectl_sends_it()
    {
        var body = Envelope("v1", "Service",
            Message(1, Text(1, "web"), Text(3, "ns1"), Text(2, ""), Message(8), Message(11, Text(1, "app"), Text(2, "web"))),
            Message(2,
                Message(1, Text(1, "http"), Text(2, "TCP"), Number(3, 8080), Message(4, Number(1, 0), Number(2, 80), Text(3, "")), Number(5, 0)),
                Message(1, Text(2, "UDP"), Number(3, 53), Message(4, Number(1, 1), Number(2, 0), Text(3, "dns"))),
                Message(2, Text(1, "app"), Text(2, "web")), Text(3, ""), Text(4, "LoadBalancer"), Number(12, 0), Number(13, 0), Number(20, 0), Number(99, 7)),
            Message(3, Message(1)));
        Assert.Equal(
            """{"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"ns1","labels":{"app":"web"}},"spec":{"ports":[{"name":"http","protocol":"TCP","port":8080,"targetPort":80},{"protocol":"UDP","port":53,"targetPort":"dns"}],"selector":{"app":"web"},"type":"LoadBalancer","allocateLoadBalancerNodePorts":false},"status":{"loadBalancer":{}}}""",
            Read(body, Service).Object.ToJsonString());
    }

    [Fact]
    public void Embedded_messages_are_members_of_the_object_around_them()
    {
        var body = Envelope("v1", "Pod", Message(2,
            Message(1, Text(1, "data"), Message(2, Message(19, Message(1, Text(1, "settings"))))),
            Message(2, Text(1, "c"), Message(11, Message(1, Message(2, Text(1, "/live"), Message(2, Number(2, 80)))), Number(3, 2)), Message(8, Message(1, Text(1, "cpu"), Message(2, Text(1, "100m")))))));
        Assert.Equal(
            """{"volumes":[{"name":"data","configMap":{"name":"settings"}}],"containers":[{"name":"c","readinessProbe":{"httpGet":{"path":"/live","port":80},"timeoutSeconds":2},"resources":{"limits":{"cpu":"100m"}}}]}""",
            Read(body, PodSchema.Definition.Schema).Object["spec"]!.ToJsonString());
    }

    [Fact]
    public void Times_and_field_sets_are_read()
    {
        var body = Envelope("v1", "Service", Message(1, Message(8, Number(1, 1_700_000_000)), Message(17, Text(1, "me"), Message(7, Text(1, """{"f:spec":{}}""")))));
        Assert.Equal("""{"creationTimestamp":"2023-11-14T22:13:20Z","managedFields":[{"manager":"me","fieldsV1":{"f:spec":{}}}]}""", Read(body, Service).Object["metadata"]!.ToJsonString());
    }

    [Fact]
    public void A_subtree_that_is_only_known_as_json_is_refused_not_lost()
    {
        var body = Envelope("v1", "Pod", Message(2, Message(1, Text(1, "disk"), Message(2, Message(8, Text(1, "10.0.0.1:3260"))))));
        Assert.Equal("spec.volumes[0].iscsi cannot be read from protobuf; send the object as JSON", Refused(body, PodSchema.Definition.Schema).Message);
    }

    [Fact]
    public void Garbage_is_refused_and_never_thrown()
    {
        var random = new Random(1);
        var good = Envelope("v1", "Service", Message(1, Text(1, "web")), Message(2, Message(1, Number(3, 80), Message(4, Number(2, 80)))));
        for (var i = 0; i < 20_000; i++)
        {
            var body = good.ToArray();
            for (var j = 0; j < 1 + (i % 4); j++) body[random.Next(4, body.Length)] = (byte)random.Next(256);
            BodyReader.Read(BodyReader.Protobuf, body.AsMemory(0, random.Next(body.Length + 1)), Service);
        }

        Assert.Equal(400, Refused("nonsense"u8.ToArray(), Service).Status);
        Assert.Equal(400, Refused([.. "k8s\0"u8, 0x12, 0xff], Service).Status);
    }

    [Fact]
    public void Many_small_messages_are_refused() =>
        Assert.Equal("the body has more than 65536 values", Refused(Envelope("v1", "Service", Message(2, Enumerable.Repeat(Message(1), 70_000).ToArray())), Service).Message);

    private static BodyResult.Read Read(byte[] body, Schema.Structure form) => Assert.IsType<BodyResult.Read>(BodyReader.Read(BodyReader.Protobuf, body, form));

    private static BodyResult.Refused Refused(byte[] body, Schema.Structure form) => Assert.IsType<BodyResult.Refused>(BodyReader.Read(BodyReader.Protobuf, body, form));

    private static byte[] Envelope(string apiVersion, string kind, params byte[][] fields) =>
        [.. "k8s\0"u8, .. Message(1, Text(1, apiVersion), Text(2, kind)), .. Message(2, fields), .. Text(3, ""), .. Text(4, "")];

    private static byte[] Message(int number, params byte[][] fields) => Write(number, ByteString.CopyFrom([.. fields.SelectMany(f => f)]));

    private static byte[] Text(int number, string text) => Write(number, ByteString.CopyFrom(text, Encoding.UTF8));

    private static byte[] Number(int number, long value)
    {
        using var stream = new MemoryStream();
        using var output = new CodedOutputStream(stream);
        output.WriteTag(number, WireFormat.WireType.Varint);
        output.WriteInt64(value);
        output.Flush();
        return stream.ToArray();
    }

    private static byte[] Write(int number, ByteString bytes)
    {
        using var stream = new MemoryStream();
        using var output = new CodedOutputStream(stream);
        output.WriteTag(number, WireFormat.WireType.LengthDelimited);
        output.WriteBytes(bytes);
        output.Flush();
        return stream.ToArray();
    }
}
