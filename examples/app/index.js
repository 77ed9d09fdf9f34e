import { registerRootComponent } from "expo";
import { Text, View } from "react-native";

function App() {
  return (
    <View style={{ flex: 1, alignItems: "center", justifyContent: "center" }}>
      <Text>Built in the background by a PublishBuild.</Text>
    </View>
  );
}

registerRootComponent(App);
