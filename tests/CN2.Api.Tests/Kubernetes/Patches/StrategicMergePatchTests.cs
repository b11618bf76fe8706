using CN2.Api.Kubernetes.Patches;
using static CN2.Api.Tests.Kubernetes.Patches.Forms;

namespace CN2.Api.Tests.Kubernetes.Patches;

public class StrategicMergePatchTests
{
    private const string Two = "{'ports':[{'port':80,'name':'a'},{'port':443,'name':'b'}]}";

    [Theory]
    [InlineData(Two, "{'ports':[{'port':443,'name':'c'},{'port':53}]}", "{'ports':[{'port':80,'name':'a'},{'port':443,'name':'c'},{'port':53}]}")]
    [InlineData(Two, "{'ports':[{'port':80,'$patch':'delete'}]}", "{'ports':[{'port':443,'name':'b'}]}")]
    [InlineData(Two, "{'ports':[{'port':53},{'$patch':'replace'}]}", "{'ports':[{'port':53}]}")]
    [InlineData(Two, "{'ports':null}", "{}")]
    [InlineData(Two, "{'$setElementOrder/ports':[{'port':443},{'port':80}]}", "{'ports':[{'port':443,'name':'b'},{'port':80,'name':'a'}]}")]
    [InlineData(Two, "{'$setElementOrder/ports':[{'port':53},{'port':443}],'ports':[{'port':53}]}", "{'ports':[{'port':53},{'port':80,'name':'a'},{'port':443,'name':'b'}]}")]
    [InlineData("{}", "{'ports':[{'port':53,'$patch':'delete'},{'port':80,'name':null}]}", "{'ports':[{'port':80}]}")]
    [InlineData("{'sources':['a']}", "{'sources':['b']}", "{'sources':['b']}")]
    [InlineData("{'selector':{'a':'1','b':'2'}}", "{'selector':{'a':null,'c':'3'}}", "{'selector':{'b':'2','c':'3'}}")]
    [InlineData("{'selector':{'a':'1'}}", "{'selector':{'$patch':'replace','c':'3'}}", "{'selector':{'c':'3'}}")]
    [InlineData("{'selector':{'a':'1'}}", "{'selector':{'$patch':'delete'}}", "{'selector':{}}")]
    [InlineData("{'selector':{'a':'1'}}", "{'selector':{'$patch':'merge','b':'2'}}", "{'selector':{'a':'1','b':'2'}}")]
    [InlineData("{'strategy':{'type':'x','rolling':{'a':'1'}}}", "{'strategy':{'$retainKeys':['type'],'type':'y'}}", "{'strategy':{'type':'y'}}")]
    [InlineData("{'extra':{'a':[1],'b':1}}", "{'extra':{'a':[2],'b':null}}", "{'extra':{'a':[2]}}")]
    public void Lists_with_a_merge_key_merge_and_directives_hold(string current, string patch, string expected) =>
        AssertSame(Tree($"{{'spec':{expected}}}"), Done(StrategicMergePatch.Apply(Tree($"{{'spec':{current}}}"), Tree($"{{'spec':{patch}}}"), Service)));

    [Theory]
    [InlineData("{'finalizers':['b','c']}", "{'finalizers':['a','b','c']}")]
    [InlineData("{'$deleteFromPrimitiveList/finalizers':['a']}", "{'finalizers':['b']}")]
    [InlineData("{'$deleteFromPrimitiveList/finalizers':['a'],'finalizers':['z']}", "{'finalizers':['b','z']}")]
    [InlineData("{'$setElementOrder/finalizers':['c','b'],'$deleteFromPrimitiveList/finalizers':['a'],'finalizers':['c']}", "{'finalizers':['c','b']}")]
    public void A_set_of_scalars_is_added_to(string patch, string expected) =>
        AssertSame(Tree($"{{'metadata':{expected}}}"), Done(StrategicMergePatch.Apply(Tree("{'metadata':{'finalizers':['a','b']}}"), Tree($"{{'metadata':{patch}}}"), Service)));

    [Theory]
    [InlineData("{'ports':[{'name':'x'}]}")]
    [InlineData("{'ports':[1]}")]
    [InlineData("{'ports':[{'port':80,'$patch':'burn'}]}")]
    [InlineData("{'selector':{'$patch':'burn'}}")]
    [InlineData("{'selector':{'$patch':1}}")]
    [InlineData("{'strategy':{'$retainKeys':['type'],'rolling':{}}}")]
    [InlineData("{'strategy':{'$retainKeys':1}}")]
    [InlineData("{'strategy':{'$retainKeys':[1]}}")]
    [InlineData("{'$setElementOrder/ports':1}")]
    [InlineData("{'$setElementOrder/ports':[1]}")]
    [InlineData("{'$setElementOrder/type':['a']}")]
    [InlineData("{'$setElementOrder/ports':[{'port':1},{'port':2}],'ports':[{'port':2},{'port':1}]}")]
    [InlineData("{'$deleteFromPrimitiveList/sources':1}")]
    public void What_is_no_strategic_patch_is_refused(string patch)
    {
        var result = StrategicMergePatch.Apply(Tree($"{{'spec':{Two}}}"), Tree($"{{'spec':{patch}}}"), Service);
        Assert.Equal(PatchRefusal.Malformed, Assert.IsType<PatchResult.Refused>(result).Reason);
    }

    [Fact]
    public void A_patch_made_of_two_objects_turns_the_first_into_the_second()
    {
        var random = new Random(7);
        for (var i = 0; i < 500; i++)
        {
            var (before, after) = (RandomObjects.Next(random, distinctPorts: true), RandomObjects.Next(random, distinctPorts: true));
            AssertSame(after, Done(StrategicMergePatch.Apply(before, RandomObjects.Patch(before, after, Service), Service)));
        }
    }
}
