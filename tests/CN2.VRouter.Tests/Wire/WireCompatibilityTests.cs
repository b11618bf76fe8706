using System.Runtime.CompilerServices;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace CN2.VRouter.Tests;

/// <summary>
/// An agent of version n talks to servers of versions n and n-1, and the other way round. Frozen/ holds the proto and one message of
/// each kind as the last release wrote them; Frozen/vrouter.proto says how to renew both at a release.
/// </summary>
public sealed class WireCompatibilityTests
{
    private static readonly FileDescriptor Today = V1.VrouterReflection.Descriptor;
    private static readonly FileDescriptor LastRelease = Frozen.VrouterReflection.Descriptor;

    public static TheoryData<string> Samples => [.. WireSamples.All.Keys];

    /// <summary>AgentMessage and ServerMessage with each of their bodies.</summary>
    public static TheoryData<string, string> Bodies =>
        [.. ((string[])["AgentMessage", "ServerMessage"]).SelectMany(m => Today.FindTypeByName<MessageDescriptor>(m).Fields.InFieldNumberOrder().Select(f => (m, f.Name)))];

    [Fact]
    public void No_field_number_or_type_of_the_last_release_has_changed() => Assert.Empty(WireRules.Violations(LastRelease, Today));

    [Theory]
    [MemberData(nameof(Samples))]
    public void Bytes_of_the_last_release_mean_the_same_today(string name)
    {
        var sample = WireSamples.All[name];
        Assert.Equal(sample, sample.Descriptor.Parser.ParseFrom(Golden(name, sample.ToByteArray())));
    }

    [Theory]
    [MemberData(nameof(Samples))]
    public void The_last_release_reads_the_bytes_of_today(string name)
    {
        var sample = WireSamples.All[name];
        var read = LastRelease.FindTypeByName<MessageDescriptor>(sample.Descriptor.Name).Parser.ParseFrom(sample.ToByteArray());
        Assert.Equal(Golden(name, sample.ToByteArray()), read.ToByteArray());
    }

    /// <summary>New fields are allowed: the last release skips them.</summary>
    [Theory]
    [MemberData(nameof(Bodies))]
    public void The_last_release_reads_every_field_that_it_knows(string type, string body)
    {
        var descriptor = Today.FindTypeByName<MessageDescriptor>(type);
        var choice = descriptor.FindFieldByName(body);
        var written = WireRules.Fill(descriptor, choice.RealContainingOneof, choice);
        var read = LastRelease.FindTypeByName<MessageDescriptor>(type).Parser.ParseFrom(written.ToByteArray());
        Assert.Empty(WireRules.Differences(read, written));
        // A server or agent of the last release that stores a message and sends it on loses nothing.
        Assert.Equal(written, descriptor.Parser.ParseFrom(read.ToByteArray()));
    }

    [Fact]
    public void The_samples_set_every_field_of_the_last_release()
    {
        var seen = new HashSet<string>();
        foreach (var sample in WireSamples.All.Values) Collect(sample);
        var all = LastRelease.MessageTypes.SelectMany(m => m.Fields.InFieldNumberOrder()).Select(f => $"{f.ContainingType.Name}.{f.Name}");
        Assert.Empty(all.Except(seen));

        void Collect(IMessage message)
        {
            foreach (var field in message.Descriptor.Fields.InFieldNumberOrder())
            {
                var value = field.Accessor.GetValue(message);
                var values = field.IsRepeated ? [.. ((System.Collections.IList)value).Cast<object>()] : (List<object?>)[value];
                var blank = message.Descriptor.Parser.ParseFrom(ByteString.Empty);
                if (field.IsRepeated ? values.Count > 0 : value is not null && !value.Equals(field.Accessor.GetValue(blank))) seen.Add($"{message.Descriptor.Name}.{field.Name}");
                foreach (var inner in values.OfType<IMessage>()) Collect(inner);
            }
        }
    }

    [Theory]
    [InlineData("number", "Hello: field 3 (address6) was removed and its number is not reserved")]
    [InlineData("type", "Hello: field 3 was \"bytes address6\" and is \"uint64 address6\"")]
    [InlineData("reuse", "Hello: field 3 was \"bytes address6\" and is \"bytes other\"")]
    [InlineData("repeated", "Hello: field 3 was \"bytes address6\" and is \"repeated bytes address6\"")]
    [InlineData("removed", "Hello: field 3 (address6) was removed and its number is not reserved")]
    [InlineData("message", "Hello was removed")]
    [InlineData("enum", "Health: HEALTH_HEALTHY = 1 was removed or changed")]
    [InlineData("method", "VirtualRouterControl.Connect was removed or changed")]
    public void Every_change_that_breaks_the_last_release_is_found(string change, string violation)
    {
        var file = LastRelease.ToProto();
        var hello = file.MessageType.Single(m => m.Name == "Hello");
        var address6 = hello.Field.Single(f => f.Number == 3);
        switch (change)
        {
            case "number": address6.Number = 9; break;
            case "type": address6.Type = FieldDescriptorProto.Types.Type.Uint64; break;
            case "reuse": address6.Name = "other"; break;
            case "repeated": address6.Label = FieldDescriptorProto.Types.Label.Repeated; break;
            case "removed": hello.Field.Remove(address6); break;
            case "message":
                hello.Name = "Greeting";
                file.MessageType.Single(m => m.Name == "AgentMessage").Field.Single(f => f.Name == "hello").TypeName = ".cn2.vrouter.v1.Greeting";
                break;
            case "enum": file.EnumType.Single(e => e.Name == "Health").Value[1].Number = 7; break;
            case "method": file.Service[0].Method[0].ServerStreaming = false; break;
        }

        Assert.Contains(violation, WireRules.Violations(LastRelease, Build(file)));
    }

    [Fact]
    public void A_field_may_be_added_and_one_may_be_removed_when_its_number_is_reserved()
    {
        var file = LastRelease.ToProto();
        var hello = file.MessageType.Single(m => m.Name == "Hello");
        hello.Field.Remove(hello.Field.Single(f => f.Number == 3));
        hello.ReservedRange.Add(new DescriptorProto.Types.ReservedRange { Start = 3, End = 4 });
        hello.Field.Add(new FieldDescriptorProto { Name = "region", Number = 6, Type = FieldDescriptorProto.Types.Type.String, Label = FieldDescriptorProto.Types.Label.Optional });
        Assert.Empty(WireRules.Violations(LastRelease, Build(file)));
    }

    private static FileDescriptor Build(FileDescriptorProto file) => FileDescriptor.BuildFromByteStrings([file.ToByteString()])[0];

    /// <summary>The bytes in Frozen/, 32 a line in hexadecimal.</summary>
    private static byte[] Golden(string name, byte[] today, [CallerFilePath] string here = "")
    {
        var path = Path.Combine(Path.GetDirectoryName(here)!, "Frozen", name + ".hex");
        if (Environment.GetEnvironmentVariable("CN2_UPDATE_GOLDENS") == "1") File.WriteAllLines(path, today.Chunk(32).Select(Convert.ToHexStringLower));
        return Convert.FromHexString(string.Concat(File.ReadAllLines(path)));
    }
}
